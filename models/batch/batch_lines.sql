-- The batch: a row is one log line of the exports that this run loads, with its fields parsed. All later models read this table, so
-- raw text is parsed once. The raw line is kept only if it is rejected. Work table of one run.
{{ config(materialized='table') }}

{%- set plan = field_plan() %}
{%- set longest = "interval '" ~ var('max_days_from_log_time') ~ "' day" %}

with located as (
    select
        coalesce(line, '') as line,
        regexp_extract(path, '([^/]+)/([^/]+)/[^/]+$', 1) as export_task_id,
        regexp_extract(path, '([^/]+)/([^/]+)/[^/]+$', 2) as log_stream,
        {{ text_digest("'log stream ' || regexp_extract(path, '([^/]+)/([^/]+)/[^/]+$', 2)") }} as log_stream_digest,
        {{ read_logged_at('line') }} as logged_at
    from ({{ read_log_lines(source('lake', 'log_lines'), ref('batch_exports')) }}) as raw_lines
),

messages as (
    select
        located.line,
        located.log_stream,
        located.logged_at,
        exports.*,
        {{ read_message("case when located.logged_at is not null then substr(located.line, 26) else located.line end") }} as message,
        {{ xor_digests(text_digest('located.line'), xor_digests('exports.log_group_digest', 'located.log_stream_digest')) }} as digest
    from located
    inner join {{ ref('batch_exports') }} as exports on located.export_task_id = exports.export_task_id
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
        case
            when logged_at is null and line_format != 'plain' then 'continuation_line'
            else {{ json_problem('message') }}
        end as problem,
        {{ found_values(plan) }}
    from parsed
),

texts as (
    select
        *,
        {{ field_texts(plan) }}
    from found
),

fields as (
    select
        *,
        {{ read_path('path_text') }} as request_path,
        case when event_at_text is null then logged_at else {{ read_timestamp('event_at_text') }} end as read_at,
        coalesce({{ matches('user_agent_text', '(?i)' ~ var('bot_user_agents')) }}, false) as is_bot_agent
    from texts
),

judged as (
    select
        *,
        case
            when {{ is_lambda_platform_line('problem', 'message') }} then 'lambda_platform_line'
            when problem is not null then problem
            when read_at is null and event_at_text is null then 'no_timestamp'
            when read_at is null then 'unreadable_timestamp'
            when read_at < timestamp '2000-01-01 00:00:00' or read_at >= timestamp '2100-01-01 00:00:00'
                then 'timestamp_out_of_range'
            when read_at not between logged_at - {{ longest }} and logged_at + {{ longest }} then 'timestamp_far_from_log_time'
        end as reason,
        {{ read_client('user_agent_text', 'is_bot_agent') }} as found_client
    from fields
),

-- A rejected line without a time belongs to its exported day, so the same traceback on two days is two rows.
identified as (
    select
        *,
        case
            when reason is null or logged_at is not null then digest
            else {{ text_digest("cast(digest as varchar) || chr(10) || cast(export_date as varchar)") }}
        end as line_id
    from judged
)

select
    line_id,
    case
        when reason is null and event_id_text is not null then {{ text_digest("chr(10) || event_id_text") }}
        else line_id
    end as event_id,
    logged_at,
    case when reason is not null then coalesce(logged_at, cast(export_date as timestamp(6))) end as line_at,
    case when reason is null then read_at end as event_at,
    event_name_text as event_name,
    user_id_text as user_id,
    session_id_text as session_id,
    product_id_text as product_id,
    {{ read_status('status_code_text') }} as status_code,
    {{ read_latency_ms('latency_ms_text') }} as latency_ms,
    {{ read_method('method_text') }} as method,
    {{ route('request_path') }} as route,
    is_bot_agent and user_id_text is null as is_bot,
    {{ bounded_client('found_client', 'user_agent_text') }} as client,
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
