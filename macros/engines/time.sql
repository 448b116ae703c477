{#- Points in time. Timestamps are timestamp(6) in UTC without a zone on both engines. -#}

{% macro read_timestamp(text) %}
{#- The timestamp in a text, or null. Reads ISO 8601 (truncated to microseconds; UTC if there is no offset), epoch seconds, milli-,
    micro- or nanoseconds (recognized by their size), and the common log format's 17/May/2015:08:05:32 +0000, also in brackets. -#}
    {{ return(adapter.dispatch('read_timestamp')(text)) }}
{% endmacro %}

{% macro _iso_pattern() %}
    {{ return('^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?') }}
{% endmacro %}

{% macro _offset_pattern() %}
{#- At most 14 hours: no zone has a larger offset, and Athena rejects one. -#}
    {{ return(' ?[+-]((0[0-9]|1[0-3])(:?[0-5][0-9])?|14(:?00)?)$') }}
{% endmacro %}

{% macro _common_log_pattern() %}
    {%- set time = '[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}' -%}
    {{ return('^(?:' ~ time ~ '|\\[' ~ time ~ '\\])$') }}
{% endmacro %}

{% macro _number_pattern() %}
{{ return('^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$') }}
{% endmacro %}

{% macro _epoch_microseconds(text) -%}
{#- A numeric text as whole microseconds (a bigint), truncated. Decimals are used throughout, because a double rounds. Digits after
    the fifteenth of a fraction are cut before a cast could round them. Null above 2^63 - 1. -#}
    {%- set number = 'try_cast(' ~ replace_all(text, '([.][0-9]{15})[0-9]+$', regex_group(1)) ~ ' as decimal(38, 15))' -%}
    cast(floor({{ number }} * case
        when abs({{ number }}) < 100000000000 then 1000000
        when abs({{ number }}) < 100000000000000 then 1000
        when abs({{ number }}) < 100000000000000000 then 1
        when abs({{ number }}) <= 9223372036854775807 then decimal '0.001'
    end) as bigint)
{%- endmacro %}

{% macro default__read_timestamp(text) -%}
    {%- set spaced -%}
        regexp_replace(replace(replace(replace({{ text }}, ' UTC', ''), 'T', ' '), ',', '.'), '([.][0-9]{6})[0-9]+', '$1')
    {%- endset -%}
    {#- A cast needs the offset as +02:00, after a space. -#}
    {%- set with_offset -%}
        regexp_replace(regexp_replace({{ spaced }}, ' ?([+-][0-9]{2}):?([0-9]{2})?$', ' $1:$2'), ':$', ':00')
    {%- endset -%}
    {%- set without_brackets = "replace(replace(" ~ text ~ ", '[', ''), ']', '')" -%}
    case
        when {{ matches(text, _iso_pattern() ~ '(Z| UTC)?$') }}
            then try_cast(replace({{ spaced }}, 'Z', '') as timestamp(6))
        when {{ matches(text, _iso_pattern() ~ _offset_pattern()) }}
            then cast(try_cast({{ with_offset }} as timestamp(6) with time zone) at time zone 'UTC' as timestamp(6))
        when {{ matches(text, _number_pattern()) }}
            then cast(from_unixtime_nanos(1000 * cast({{ _epoch_microseconds(text) }} as decimal(38, 0))) at time zone 'UTC' as timestamp(6))
        when {{ matches(text, _common_log_pattern()) }}
            then cast(try(parse_datetime({{ without_brackets }}, 'dd/MMM/yyyy:HH:mm:ss Z')) at time zone 'UTC' as timestamp(6))
    end
{%- endmacro %}

{% macro duckdb__read_timestamp(text) -%}
    case
        when {{ matches(text, _iso_pattern() ~ '(Z| UTC)?$') }}
            then try_cast(replace(replace({{ text }}, ',', '.'), ' UTC', '') as timestamp)
        when {{ matches(text, _iso_pattern() ~ _offset_pattern()) }}
            then timezone('UTC', try_cast(replace(regexp_replace({{ text }}, ' ([+-])', '\1'), ',', '.') as timestamp with time zone))
        when {{ matches(text, _number_pattern()) }}
            then make_timestamp({{ _epoch_microseconds(text) }})
        when {{ matches(text, _common_log_pattern()) }}
            then timezone('UTC', try_strptime(trim({{ text }}, '[]'), '%d/%b/%Y:%H:%M:%S %z'))
    end
{%- endmacro %}


{% macro iso_timestamp(text) %}
{#- 2026-10-01T12:34:56.789 (UTC) as a timestamp; null for a day or an hour that does not exist. -#}
    {{ return(adapter.dispatch('iso_timestamp')(text)) }}
{% endmacro %}

{% macro default__iso_timestamp(text) -%}
    cast(try_cast(replace({{ text }}, 'T', ' ') as timestamp) as timestamp(6))
{%- endmacro %}

{% macro duckdb__iso_timestamp(text) -%}
    try_cast({{ text }} as timestamp)
{%- endmacro %}


{% macro local_time(timestamp) %}
{#- A UTC timestamp as local time in reporting_timezone. -#}
    {%- set zone = reporting_timezone() -%}
    {{ return(timestamp if zone == 'UTC' else in_time_zone(timestamp, zone | replace("'", "''"))) }}
{% endmacro %}

{% macro default__in_time_zone(timestamp, zone) -%}
    cast(with_timezone({{ timestamp }}, 'UTC') at time zone '{{ zone }}' as timestamp(6))
{%- endmacro %}

{% macro duckdb__in_time_zone(timestamp, zone) -%}
    ({{ timestamp }} at time zone 'UTC' at time zone '{{ zone }}')
{%- endmacro %}

{% macro in_time_zone(timestamp, zone) %}{{ return(adapter.dispatch('in_time_zone')(timestamp, zone)) }}{% endmacro %}

{% macro local_date(timestamp) -%}
    cast({{ local_time(timestamp) }} as date)
{%- endmacro %}

{% macro local_hour(timestamp) -%}
    cast(date_trunc('hour', {{ local_time(timestamp) }}) as timestamp(6))
{%- endmacro %}


{% macro seconds_between(start, end) %}
{#- A double, to the microsecond. -#}
    {{ return(adapter.dispatch('seconds_between')(start, end)) }}
{% endmacro %}

{% macro default__seconds_between(start, end) -%}
    round(to_unixtime({{ end }}) - to_unixtime({{ start }}), 6)
{%- endmacro %}

{% macro duckdb__seconds_between(start, end) -%}
    ((epoch_us({{ end }}) - epoch_us({{ start }})) / 1000000.0)
{%- endmacro %}


{% macro iso_text(timestamp) %}
{#- 2026-10-01T12:34:56.789000Z -#}
    {{ return(adapter.dispatch('iso_text')(timestamp)) }}
{% endmacro %}

{% macro default__iso_text(timestamp) -%}
    replace(cast(cast({{ timestamp }} as timestamp(6)) as varchar), ' ', 'T') || 'Z'
{%- endmacro %}

{% macro duckdb__iso_text(timestamp) -%}
    strftime({{ timestamp }}, '%Y-%m-%dT%H:%M:%S.%fZ')
{%- endmacro %}


{% macro now_utc() %}{{ return(adapter.dispatch('now_utc')()) }}{% endmacro %}

{% macro default__now_utc() -%}
    cast(current_timestamp at time zone 'UTC' as timestamp(6))
{%- endmacro %}

{% macro duckdb__now_utc() -%}
    cast(current_timestamp at time zone 'UTC' as timestamp)
{%- endmacro %}


{% macro unnest_days(first, last) %}
{#- A table "days" with a column "day": each date from the first to the last. Both are columns of an earlier table in the from
    clause. -#}
    {{ return(adapter.dispatch('unnest_days')(first, last)) }}
{% endmacro %}

{% macro default__unnest_days(first, last) -%}
    unnest(sequence({{ first }}, {{ last }}, interval '1' day)) as days (day)
{%- endmacro %}

{% macro duckdb__unnest_days(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}, interval '1' day)) as days (day)
{%- endmacro %}


{% macro days_after(date, days) %}
{#- The date that is a number of days (an integer expression) after another. -#}
    {{ return(adapter.dispatch('days_after')(date, days)) }}
{% endmacro %}

{% macro default__days_after(date, days) %}date_add('day', {{ days }}, {{ date }}){% endmacro %}

{% macro duckdb__days_after(date, days) %}({{ date }} + {{ days }}){% endmacro %}


{% macro reporting_timezone() %}
    {%- set zone = var('reporting_timezone') -%}
    {%- if zone not in modules.pytz.all_timezones_set -%}
        {{ exceptions.raise_compiler_error(
            "vars: reporting_timezone is '" ~ zone ~ "', which is not a time zone. Give a name such as Europe/Berlin."
        ) }}
    {%- endif -%}
    {{ return(zone) }}
{% endmacro %}
