//! Integration tests of the payload types.

#[cfg(test)]
mod envelope;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod head;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod redaction;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod report;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tool_calls;
#[cfg(test)]
mod writing;
