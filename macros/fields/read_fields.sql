{#- Convert the text of a field to its value. Unreadable text becomes null. -#}

{% macro read_message(text) -%}
{#- A line's text without what Lambda's text format puts before a function's JSON: time, request id and level between tabs. Source:
    docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html and python-logging.html -#}
    {%- set time = '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z' -%}
    case
        when strpos({{ text }}, '{') = 1 or strpos({{ text }}, chr(9)) = 0 then {{ text }}
        else {{ replace_all(
            text, '^(?:' ~ time ~ '\t[^\t]*\t[A-Z]+|[[][A-Z]+[]]\t' ~ time ~ '\t[^\t]*)\t([{])', regex_group(1)
        ) }}
    end
{%- endmacro %}

{% macro read_number(text) %}
{#- A text as a double, or null. Takes digits with a decimal point and an exponent, but nothing that only one engine takes, e.g. 1_000
    or 12f. -#}
    {{ return(adapter.dispatch('read_number')(text)) }}
{% endmacro %}

{% macro default__read_number(text) %}case when {{ matches(text, '[0-9.]$') }} then try_cast({{ text }} as double) end{% endmacro %}

{% macro duckdb__read_number(text) %}case when not contains({{ text }}, '_') then try_cast({{ text }} as double) end{% endmacro %}


{% macro read_status(text) -%}
    {#- The phrase of a status comes after a blank: 200 OK. -#}
    {%- set number = read_number("case when strpos(" ~ text ~ ", ' ') = 4 then substr(" ~ text ~ ", 1, 3) else " ~ text ~ " end") -%}
    case when {{ number }} between 100 and 599 and {{ number }} = floor({{ number }}) then cast({{ number }} as integer) end
{%- endmacro %}


{% macro read_latency_ms(text) -%}
{#- A number of milliseconds, or a number with its unit: 12.5, 12.5ms, 0.25s, 900us, 1200000ns. Micro is written
    u, the sign µ (U+00B5) or the Greek letter μ (U+03BC). -#}
    {%- set number = "try_cast(regexp_extract(" ~ text ~ ", '^ *([-+0-9.eE]+) ?([nuµμm]?s)$', 1) as double)" -%}
    coalesce(
        {{ read_number(text) }},
        case
            when {{ text }} like '%ms' then {{ number }}
            when {{ text }} like '%ns' then {{ number }} / 1000000
            when {{ text }} like '%us' or {{ text }} like '%µs' or {{ text }} like '%μs' then {{ number }} / 1000
            when {{ text }} like '%s' then {{ number }} * 1000
        end
    )
{%- endmacro %}


{#- GET /a/b?x=1 HTTP/1.1 -#}
{% macro _request_line() %}{{ return('^([A-Za-z]+) ([^ ]+)( HTTP/[0-9.]+)?\\z') }}{% endmacro %}

{% macro read_method(text) -%}
    case
        when {{ matches(text, '^[A-Za-z]+$') }} then upper({{ text }})
        when strpos({{ text }}, ' ') > 0 then nullif(upper(regexp_extract({{ text }}, '{{ _request_line() }}', 1)), '')
    end
{%- endmacro %}


{% macro read_path(text) -%}
{#- The path only, without scheme, host, query or fragment. Null if the text begins with neither / nor a scheme. -#}
    {%- set target -%}
        case
            when strpos({{ text }}, ' ') > 0 then regexp_extract({{ text }}, '{{ _request_line() }}', 2)
            else {{ text }}
        end
    {%- endset -%}
    {%- set scheme_and_host = '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*' -%}
    case
        when strpos({{ text }}, '/') = 1 and strpos({{ text }}, ' ') + strpos({{ text }}, '?') + strpos({{ text }}, '#') = 0 then {{ text }}
        when {{ matches(target, '^/') }} then regexp_extract({{ target }}, '^[^?#]*')
        when {{ matches(target, scheme_and_host) }}
            then coalesce(nullif(regexp_extract({{ replace_all(target, scheme_and_host, '') }}, '^[^?#]*'), ''), '/')
    end
{%- endmacro %}


{% macro route(path) -%}
{#- The path with each id segment replaced: /products/p-123/reviews/7 -> /products/:id/reviews/:id.
    Slashes are doubled first, so that two ids in a row each have a slash on either side. -#}
    {%- set id = '/(?:' ~ [
        '[0-9]+',
        '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
        '[0-9a-fA-F]{16,}',
        '[0-9A-Z]{26}',
        '[A-Za-z]+[-_][0-9]+',
    ] | join('|') ~ ')(/|$)' -%}
    case
        when {{ matches(path, id) }}
            then replace({{ replace_all("replace(" ~ path ~ ", '/', '//')", id, '/:id' ~ regex_group(1)) }}, '//', '/')
        else {{ path }}
    end
{%- endmacro %}


{% macro valid_latency(number) -%}
{#- Negative numbers, infinity and NaN are not latencies. -#}
    case when {{ number }} >= 0 and {{ number }} < {{ infinity() }} then {{ number }} end
{%- endmacro %}


{% macro is_lambda_platform_line(message) -%}
{#- Lines that Lambda itself writes around an invocation. -#}
    {{ matches(
        message, '^(?:(?:START|END|REPORT) RequestId: |(?:INIT_START|EXTENSION|TELEMETRY)[ \t]|INIT_REPORT(?:[ \t]|$)|XRAY TraceId: )'
    ) }}
{%- endmacro %}
