//! The products of a call, and the provider's analysis of it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::conversation::Turns;
use crate::ids::AssistantId;
use crate::payload::{Raw, payload};

payload! {
    /// The products of a call.
    Artifact {
        /// The conversation.
        opt messages: Turns = "messages",
        /// The conversation as the model sees it.
        opt messages_openai: Turns = "messagesOpenAIFormatted",
        /// The conversation as one text.
        opt transcript: String = "transcript",
        /// The recording, one channel. The older place of `recording`.
        opt recording_url: String = "recordingUrl",
        /// The recording, one channel for each side. The older place of `recording`.
        opt stereo_recording_url: String = "stereoRecordingUrl",
        /// The recordings.
        opt recording: Box<Recording> = "recording",
        /// The recording behind a link that expires.
        opt presigned_mono_url: String = "presignedMonoUrl",
        /// The stereo recording behind a link that expires.
        opt presigned_stereo_url: String = "presignedStereoUrl",
        /// When those links expire.
        opt presigned_urls_expire_at: DateTime<Utc> = "presignedUrlsExpiresAt",
        /// The provider's log of the call.
        opt log_url: String = "logUrl",
        /// The assistants that took part.
        opt assistant_activations: Vec<ActivatedAssistant> = "assistantActivations",
        /// Values of template variables at the end of the call. A caller can write some of them.
        opt variable_values: Raw = "variableValues",
        /// Structured outputs by their id.
        opt structured_outputs: Value = "structuredOutputs",
        /// Transfers that took place.
        opt transfers: Raw = "transfers",
    }
}

payload! {
    /// The recordings of a call.
    Recording {
        /// One channel for each side.
        opt stereo_url: String = "stereoUrl",
        /// With video.
        opt video_url: String = "videoUrl",
        /// One channel.
        opt mono: MonoRecording = "mono",
    }
}

payload! {
    /// One-channel recordings.
    MonoRecording {
        /// Both sides.
        opt combined_url: String = "combinedUrl",
        /// The assistant alone.
        opt assistant_url: String = "assistantUrl",
        /// The person alone.
        opt customer_url: String = "customerUrl",
    }
}

payload! {
    /// An assistant that took part in a call.
    ActivatedAssistant {
        /// Its id, if it is saved.
        opt assistant_id: AssistantId = "assistantId",
        /// Its name.
        opt assistant_name: String = "assistantName",
    }
}

payload! {
    /// The provider's analysis of a call.
    Analysis {
        /// The summary of the call.
        opt summary: String = "summary",
        /// The extracted data, in a form of the organization's own.
        opt structured_data: Value = "structuredData",
        /// The data that several plans extracted.
        opt structured_data_multi: Value = "structuredDataMulti",
        /// Whether the call succeeded; text in the rubric's own form, `"true"` or `"7"` for instance.
        opt success_evaluation: String = "successEvaluation",
    }
}
