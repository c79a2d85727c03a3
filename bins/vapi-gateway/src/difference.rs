//! A difference of effects, for people and for programs.

use operations::{ChangeKind, RowChange, ToolReport, ToolState};
use serde_json::{Value, json};

use crate::output;

/// The longest value that is shown to people; programs get all of it.
const LONGEST: usize = 160;

/// Prints each row that differs, and what differs in it.
///
/// # Errors
/// When nobody reads the output.
pub(crate) fn print(changes: &[RowChange], indent: &str) -> anyhow::Result<()> {
    for change in changes {
        let how = match change.change {
            ChangeKind::Created => "new",
            ChangeKind::Changed => "changed",
            ChangeKind::Removed => "removed",
        };
        output::line(format_args!("{indent}{} {} ({how})", change.table, output::plain(&change.row)))?;
        for field in &change.fields {
            let (before, after) = (shown(&field.before), shown(&field.after));
            output::line(format_args!("{indent}  {}: {before} -> {after}", field.field))?;
        }
    }
    Ok(())
}

/// Prints what is known of tool calls that are not run again.
///
/// # Errors
/// When nobody reads the output.
pub(crate) fn print_tools(tools: &[ToolReport], indent: &str) -> anyhow::Result<()> {
    for tool in tools {
        let state = match tool.state {
            ToolState::Answered => "its answer stays",
            ToolState::NotRun => "not run: the caller has hung up",
        };
        let (name, id) = (output::plain(&tool.name), output::plain(&tool.id));
        output::line(format_args!("{indent}tool {name} {id}: {state}"))?;
    }
    Ok(())
}

/// The tool calls for programs.
pub(crate) fn tools(tools: &[ToolReport]) -> Value {
    let tool = |tool: &ToolReport| json!({"id": tool.id, "name": tool.name, "state": tool.state.as_str()});
    tools.iter().map(tool).collect()
}

fn shown(value: &Value) -> String {
    if value.is_null() {
        return "nothing".to_owned();
    }
    let text = output::plain(&value.to_string());
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", text.split_at(end).0, text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_json_and_cut_where_they_are_long() {
        assert_eq!(shown(&Value::Null), "nothing");
        assert_eq!(shown(&json!("a\nb")), r#""a\nb""#);
        assert_eq!(shown(&json!({"a": 1.5})), r#"{"a":1.5}"#);
        let long = shown(&json!("é".repeat(200)));
        assert_eq!(long, format!("\"{}… (402 bytes)", "é".repeat(159)));
    }
}
