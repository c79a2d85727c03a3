//! The report at the end of a call.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::artifact::{Analysis, Artifact};
use super::common::Common;
use super::conversation::Turns;
use crate::kind::{EndedReason, MessageKind};
use crate::payload::{Raw, payload};

payload! {
    /// Everything about a call that is over.
    ///
    /// Several facts have two or three places: the published one and those of older reports. The methods
    /// prefer the published one; the fields hold what stands where.
    EndOfCallReport in common: Common as MessageKind::EndOfCallReport with (artifact: Box<Artifact>) {
        /// Why the call ended; see [`EndOfCallReport::ended_reason`].
        new reason: EndedReason = "endedReason",
        /// The provider's analysis of the call.
        new analysis: Box<Analysis> = "analysis",
        /// When people began to talk; see [`EndOfCallReport::started_at`].
        opt started: DateTime<Utc> = "startedAt",
        /// When the call ended; see [`EndOfCallReport::ended_at`].
        opt ended: DateTime<Utc> = "endedAt",
        /// The cost of the call; see [`EndOfCallReport::cost`].
        opt total_cost: f64 = "cost",
        /// The parts of the cost.
        opt costs: Raw = "costs",
        /// The parts of the cost in their older form.
        opt cost_breakdown: Value = "costBreakdown",
        /// Where the call was transferred to.
        opt destination: Raw = "destination",
        /// The record of consent.
        opt compliance: Value = "compliance",
        /// The length in milliseconds. Not part of the published description.
        opt duration_ms: f64 = "durationMs",
        /// The length in seconds. Not part of the published description.
        opt duration_seconds: f64 = "durationSeconds",
        /// The length in minutes. Not part of the published description.
        opt duration_minutes: f64 = "durationMinutes",
        /// An older place of `artifact.transcript`.
        opt old_transcript: String = "transcript",
        /// An older place of `analysis.summary`.
        opt old_summary: String = "summary",
        /// An older place of `artifact.messages`.
        opt old_messages: Turns = "messages",
        /// An older place of `artifact.recording`.
        opt old_recording_url: String = "recordingUrl",
        /// An older place of `artifact.recording`.
        opt old_stereo_recording_url: String = "stereoRecordingUrl",
    }
}

/// A text that says something.
fn said(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.trim().is_empty())
}

impl EndOfCallReport {
    /// Why the call ended.
    #[must_use]
    pub fn ended_reason(&self) -> Option<&EndedReason> {
        self.reason.as_ref().or_else(|| self.common.call.as_ref()?.ended_reason.as_ref())
    }

    /// When people began to talk.
    #[must_use]
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        self.started.or_else(|| self.common.call.as_ref()?.started_at)
    }

    /// When the call ended.
    #[must_use]
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.ended.or_else(|| self.common.call.as_ref()?.ended_at)
    }

    /// How long the call took: as reported, else from its times; never negative.
    #[must_use]
    pub fn duration(&self) -> Option<TimeDelta> {
        let reported = self
            .duration_ms
            .or(self.duration_seconds.map(|seconds| seconds * 1e3))
            .or(self.duration_minutes.map(|minutes| minutes * 6e4))
            .and_then(|ms| format!("{ms:.0}").parse().ok())
            .and_then(TimeDelta::try_milliseconds);
        reported
            .or_else(|| Some(self.ended_at()? - self.started_at()?))
            .filter(|duration| *duration >= TimeDelta::zero())
    }

    /// The cost of the call, in US dollars.
    #[must_use]
    pub fn cost(&self) -> Option<f64> {
        self.total_cost.or_else(|| self.common.call.as_ref()?.cost)
    }

    /// The conversation as one text.
    #[must_use]
    pub fn transcript(&self) -> Option<&str> {
        self.artifacts()
            .find_map(|artifact| said(artifact.transcript.as_ref()))
            .or(said(self.old_transcript.as_ref()))
    }

    /// The conversation turn by turn.
    #[must_use]
    pub fn messages(&self) -> Option<&Turns> {
        self.artifacts().find_map(|artifact| artifact.messages.as_ref()).or(self.old_messages.as_ref())
    }

    /// The summary of the call.
    #[must_use]
    pub fn summary(&self) -> Option<&str> {
        self.analyses()
            .find_map(|analysis| said(analysis.summary.as_ref()))
            .or(said(self.old_summary.as_ref()))
    }

    /// The extracted data, in the organization's own form.
    #[must_use]
    pub fn structured_data(&self) -> Option<&Value> {
        self.analyses()
            .find_map(|analysis| analysis.structured_data.as_ref())
            .or_else(|| self.artifacts().find_map(|artifact| artifact.structured_outputs.as_ref()))
    }

    /// Whether the call succeeded, as text in the rubric's own form.
    #[must_use]
    pub fn success_evaluation(&self) -> Option<&str> {
        self.analyses().find_map(|analysis| said(analysis.success_evaluation.as_ref()))
    }

    /// The recording with both sides in one channel.
    #[must_use]
    pub fn recording_url(&self) -> Option<&str> {
        self.artifacts()
            .find_map(|artifact| {
                let mono = artifact.recording.as_ref().and_then(|recording| recording.mono.as_ref());
                mono.and_then(|mono| said(mono.combined_url.as_ref()))
                    .or(said(artifact.recording_url.as_ref()))
            })
            .or(said(self.old_recording_url.as_ref()))
    }

    /// The recording with one channel for each side.
    #[must_use]
    pub fn stereo_recording_url(&self) -> Option<&str> {
        self.artifacts()
            .find_map(|artifact| {
                let stereo =
                    artifact.recording.as_ref().and_then(|recording| said(recording.stereo_url.as_ref()));
                stereo.or(said(artifact.stereo_recording_url.as_ref()))
            })
            .or(said(self.old_stereo_recording_url.as_ref()))
    }

    /// The message's artifact, then the call's.
    fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
        let of_call = self.common.call.as_ref().and_then(|call| call.artifact.as_deref());
        self.common.artifact.as_deref().into_iter().chain(of_call)
    }

    /// The message's analysis, then the call's.
    fn analyses(&self) -> impl Iterator<Item = &Analysis> {
        let of_call = self.common.call.as_ref().and_then(|call| call.analysis.as_deref());
        self.analysis.as_deref().into_iter().chain(of_call)
    }
}
