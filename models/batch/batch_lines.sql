-- A row is one log line of the exports that this run loads, with its fields read: the batch. All later models are fed from it, so raw
-- text is read once. The raw line itself is kept only where it is rejected. A work table of one run.
{{ config(materialized='table') }}

{%- set plan = field_plan() %}

with exports as (
    select
        *,
        {{ text_digest("'log group ' || log_group") }} as log_group_digest
    from {{ ref('batch_exports') }}
),

raw_lines as (
    {{ read_log_lines(source('lake', 'log_lines'), ref('batch_exports')) }}
),

located as (
    select
        coalesce(line, '') as line,
        regexp_extract(path, '([^/]+)/([^/]+)/[^/]+$', 1) as export_task_id,
        regexp_extract(path, '([^/]+)/([^/]+)/[^/]+$', 2) as log_stream,
        {{ text_digest("'log stream ' || regexp_extract(path, '([^/]+)/([^/]+)/[^/]+$', 2)") }} as log_stream_digest
    from raw_lines
),

published as (
    select
        located.line,
        located.log_stream,
        exports.export_task_id,
        exports.log_group,
        exports.export_date,
        exports.exported_at,
        exports.line_format,
        {{ xor_digests('exports.log_group_digest', 'located.log_stream_digest') }} as place_digest,
        case
            when {{ matches('located.line', '^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}[.][0-9]{3}Z ') }}
                then {{ iso_timestamp('substr(located.line, 1, 23)') }}
        end as logged_at
    from located
    inner join exports on located.export_task_id = exports.export_task_id
),

messages as (
    select
        line,
        log_stream,
        export_task_id,
        log_group,
        export_date,
        exported_at,
        line_format,
        logged_at,
        case when logged_at is not null then substr(line, 26) else line end as message,
        {{ xor_digests(text_digest('line'), 'place_digest') }} as line_id
    from published
),

parsed as (
    select
        *,
        {{ json_values('message', plan) }}
    from messages
),

found as (
    select
        *,
        {{ json_problem('message') }} as json_problem,
        {{ found_values(plan) }}
    from parsed
),

texts as (
    select
        line,
        line_id,
        logged_at,
        log_group,
        log_stream,
        export_task_id,
        export_date,
        exported_at,
        case
            when logged_at is null and line_format != 'plain' then 'continuation_line'
            when json_problem = 'not_json' and {{ is_lambda_platform_line('message') }} then 'lambda_platform_line'
            else json_problem
        end as problem,
        {{ field_texts(plan) }}
    from found
),

fields as (
    select
        *,
        {{ read_path('path_text') }} as request_path,
        case when event_at_text is null then logged_at else {{ read_timestamp('event_at_text') }} end as read_at
    from texts
),

judged as (
    select
        *,
        case
            when problem is not null then problem
            when read_at is null and event_at_text is null then 'no_timestamp'
            when read_at is null then 'unreadable_timestamp'
            when read_at < timestamp '2000-01-01 00:00:00' or read_at >= timestamp '2100-01-01 00:00:00'
                then 'timestamp_out_of_range'
            when
                read_at < logged_at - interval '{{ var("max_days_from_log_time") }}' day
                or read_at > logged_at + interval '{{ var("max_days_from_log_time") }}' day
                then 'timestamp_far_from_log_time'
        end as reason
    from fields
),

-- A rejected line without a time belongs to the day that it was exported for: the same traceback on two days is two rows.
identified as (
    select
        judged.*,
        case
            when reason is not null and logged_at is null
                then {{ text_digest("cast(line_id as varchar) || chr(10) || cast(export_date as varchar)") }}
            else line_id
        end as lasting_line_id
    from judged
)

select
    lasting_line_id as line_id,
    -- The id of the record's own, where it has one. Identical lines of one export are told apart in batch_copies.
    case
        when reason is null and event_id_text is not null then {{ text_digest("chr(10) || event_id_text") }}
        else lasting_line_id
    end as event_id,
    logged_at,
    case when reason is not null then coalesce(logged_at, cast(export_date as timestamp(6))) end as line_at,
    case when reason is null then read_at end as event_at,
    event_name_text as event_name,
    user_id_text as user_id,
    session_id_text as session_id,
    product_id_text as product_id,
    {{ read_status('status_code_text') }} as status_code,
    {{ valid_latency(read_latency_ms('latency_ms_text')) }} as latency_ms,
    {{ read_method('method_text') }} as method,
    {{ route('request_path') }} as route,
    coalesce({{ matches('user_agent_text', '(?i)' ~ var('bot_user_agents')) }}, false) as is_bot,
    {% for field in extra_fields() -%}
    try_cast({{ field.name }}_text as {{ field.data_type }}) as {{ field.name }},
    {% endfor -%}
    log_group,
    log_stream,
    export_task_id,
    exported_at,
    reason,
    case when reason is not null then line end as line
from identified
