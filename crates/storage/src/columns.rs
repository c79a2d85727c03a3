//! The columns of the ledger's tables, each list once: rows, changes and the arrays of a batch are made of it.

/// Gives the columns of `call_logs` to a macro.
macro_rules! call_columns {
    ($make:ident $($name:ident)?) => {
        $make! { $($name)? call_logs
            vapi_call_id: Text = String,
            call_type: Nullable<Text> = Option<String>,
            status: Text = String,
            status_rank: SmallInt = i16,
            vapi_assistant_id: Nullable<Text> = Option<String>,
            phone_number_id: Nullable<Text> = Option<String>,
            customer_number: Nullable<Text> = Option<String>,
            contact_id: Nullable<SqlUuid> = Option<DbUuid>,
            metadata: SqlJson = DbJson,
            started_at: Nullable<SqlTime> = Option<DbTime>,
            ended_at: Nullable<SqlTime> = Option<DbTime>,
            ended_reason: Nullable<Text> = Option<String>,
            sealed_control_url: Nullable<Binary> = Option<Vec<u8>>,
            decided: SqlJson = DbJson,
            created_at: SqlTime = DbTime,
        }
    };
}

/// Gives the columns of `call_reports` to a macro.
macro_rules! report_columns {
    ($make:ident $($name:ident)?) => {
        $make! { $($name)? call_reports
            vapi_call_id: Text = String,
            duration_ms: Nullable<BigInt> = Option<i64>,
            cost: Nullable<Double> = Option<f64>,
            transcript: Nullable<Text> = Option<String>,
            summary: Nullable<Text> = Option<String>,
            structured_data: Nullable<SqlJson> = Option<DbJson>,
            success_evaluation: Nullable<Text> = Option<String>,
            recording_url: Nullable<Text> = Option<String>,
            stereo_recording_url: Nullable<Text> = Option<String>,
            decided: SqlJson = DbJson,
        }
    };
}

/// Makes the struct of a row, which reads it and writes it back whole.
macro_rules! row {
    ($name:ident $table:ident $($column:ident: $kind:ty = $value:ty,)*) => {
        #[derive(Queryable, Selectable, Insertable, AsChangeset)]
        // The columns of the key never change, and neither does the time of the call; an index of it is left alone.
        #[diesel(table_name = $table, primary_key(vapi_call_id, created_at))]
        #[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
        pub(crate) struct $name {
            $(pub(crate) $column: $value,)*
        }
    };
}

pub(crate) use {call_columns, report_columns, row};
