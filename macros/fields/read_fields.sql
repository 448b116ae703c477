{#- Convert the text of a field to its value. Unreadable text becomes null. -#}

{% macro read_logged_at(line) -%}
{#- The time that CloudWatch puts before a line. -#}
    case
        when {{ matches(line, '^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}[.][0-9]{3}Z ') }}
            then {{ iso_timestamp('substr(' ~ line ~ ', 1, 23)') }}
    end
{%- endmacro %}


{% macro read_message(text) -%}
{#- The record in a line. Lambda's text format puts time, request id and level between tabs before a function's JSON, and containers'
    log routers (Fluent Bit, FireLens, Docker) put all of it as text into `log`. Sources: docs.aws.amazon.com, lambda/latest/dg,
    nodejs-logging.html and python-logging.html; AmazonECS/latest/developerguide/using_firelens.html -#}
    {%- set time = '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z' -%}
    case
        {# The cheap search first: few lines have {\" in them. -#}
        when {{ text }} like '%{\"%' and {{ matches(text, '"log"[ \t]*:[ \t]*"[{]\\\\"') }}
            then coalesce({{ json_text(text, 'log') }}, {{ text }})
        when starts_with({{ text }}, '{') or strpos({{ text }}, chr(9)) = 0 then {{ text }}
        else {{ replace_all(
            text, '^(?:' ~ time ~ '\t[^\t]*\t[A-Z]+|\\[[A-Z]+\\]\t' ~ time ~ '\t[^\t]*)\t([{])', regex_group(1)
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
    {#- The phrase of a status comes after a blank, 200 OK, and the protocol before one: HTTP/1.1 200 OK. -#}
    {%- set digits -%}
        case
            when strpos({{ text }}, ' ') = 0 then {{ text }}
            when strpos({{ text }}, ' ') = 4 then substr({{ text }}, 1, 3)
            else regexp_extract({{ text }}, '^HTTP(?:/[0-9.]+)? ([0-9]{3})(?: |\z)', 1)
        end
    {%- endset -%}
    {%- set number = read_number(digits) -%}
    case when {{ number }} between 100 and 599 and {{ number }} = floor({{ number }}) then cast({{ number }} as integer) end
{%- endmacro %}


{% macro read_latency_ms(text) -%}
{#- A number of milliseconds, or a number with its unit: 12.5, 12.5ms, 0.25s, 900us, 1200000ns. Micro is written
    u, the sign µ (U+00B5) or the Greek letter μ (U+03BC). Rarer forms come last: an argument of coalesce is computed only where
    those before it are null. Negative numbers, infinity and NaN are not latencies. -#}
    {%- set number = "try_cast(regexp_extract(" ~ text ~ ", '^ *([-+0-9.eE]+) ?([nuµμm]?s)$', 1) as double)" -%}
    {%- set latency -%}
    coalesce(
        {{ read_number(text) }},
        case
            when {{ text }} like '%ms' then {{ number }}
            when {{ text }} like '%ns' then {{ number }} / 1000000
            when {{ text }} like '%us' or {{ text }} like '%µs' or {{ text }} like '%μs' then {{ number }} / 1000
            when {{ text }} like '%s' then {{ number }} * 1000
        end,
        {{ _read_worded_latency_ms(text) }},
        {{ _read_duration_ms(text) }}
    )
    {%- endset -%}
    case when {{ latency }} >= 0 and {{ latency }} < {{ infinity() }} then {{ latency }} end
{%- endmacro %}


{% macro _read_worded_latency_ms(text) -%}
{#- A number with its unit in words: 43 msec, 12 millis, 0.25 seconds. -#}
    {%- set words = '(?:[nuµμm]?secs?|(?:nano|micro|milli)?seconds?|(?:nano|micro|milli)s)' -%}
    {%- set number = "try_cast(regexp_extract(" ~ text ~ ", '^ *([-+0-9.eE]+) ?" ~ words ~ "\\z', 1) as double)" -%}
    case
        when {{ text }} like '%milli%' or {{ text }} like '%msec%' then {{ number }}
        when {{ text }} like '%nano%' or {{ text }} like '%nsec%' then {{ number }} / 1000000
        when {{ text }} like '%micro%' or {{ text }} like '%usec%' or {{ text }} like '%µsec%' or {{ text }} like '%μsec%'
            then {{ number }} / 1000
        when {{ text }} like '%sec%' then {{ number }} * 1000
    end
{%- endmacro %}


{% macro _read_duration_ms(text) -%}
{#- Hours, minutes and seconds: ISO 8601 (PT1M2.5S), with colons (00:01:02.5) or as Go writes them (1m2.5s). -#}
    {%- set duration = '^(?:' ~ [
        'PT(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:[.][0-9]+)?S)?',
        '[0-9]+:[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?',
        '(?:[0-9]+h)?[0-9]+m[0-9]+(?:[.][0-9]+)?s',
    ] | join('|') ~ ')$' -%}
    {%- set parts = '^(?:PT)?(?:([0-9]+)[Hh:])?(?:([0-9]+)[Mm:])?(?:([0-9.]+)[Ss]?)?\\z' -%}
    {#- The zero in front is the number of a part that is not there, and changes no other. -#}
    {%- set numbers = [] -%}
    {%- for group in [1, 2, 3] -%}
        {%- do numbers.append(
            "try_cast('0' || coalesce(regexp_extract(" ~ text ~ ", '" ~ parts ~ "', " ~ group ~ "), '') as double)"
        ) -%}
    {%- endfor -%}
    case
        when {{ text }} like 'PT_%' or {{ text }} like '%:%:%' or {{ text }} like '%m%s' then case
            when {{ matches(text, duration) }} then ({{ numbers[0] }} * 3600 + {{ numbers[1] }} * 60 + {{ numbers[2] }}) * 1000
        end
    end
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


{% macro read_client(user_agent, is_bot_agent) -%}
{#- The family of a user agent: a browser in lower case, anything else as it calls itself. SQL has no list of user agents, and matching
    each line with the thousands of patterns of one is slow, so this is a rule. What calls itself Mozilla is named by what follows
    `compatible; `, by a word such as "bot" if is_bot_agent, or as the first browser below whose mark it has: browsers add their own
    mark to those of others. Most are plain Chrome or Safari, which one pattern finds faster. bounded_client() must follow. -#}
    {%- set product = '[A-Za-z](?:[A-Za-z0-9._-]|%20)*' -%}
    {%- set end = '(?:[!+/ (;,)]|\\z)' -%}
    {%- set bot_word = '(?:bot|crawl|spider|headless|lighthouse|pingdom|uptime|monitor)' -%}
    {%- set plain = '[)](?: Version/[0-9.]+)?(?: Chrome/[0-9.]+(?: Mobile)?| Mobile/[A-Z0-9]+)? Safari/[0-9.]+$' -%}
    {%- set browsers = [
        ('firefox', [' Firefox/', ' FxiOS/']), ('internet explorer', ['MSIE ', 'Trident/']), ('facebook', ['[FBAN/', '[FB_IAB/']),
        ('instagram', [' Instagram ']), ('wechat', [' MicroMessenger/']), ('edge', [' Edg']),
        ('opera', [' OPR/', ' OPiOS/', ' OPT/', ' OPX/']), ('samsung internet', [' SamsungBrowser/']), ('yandex', [' YaBrowser/']),
        ('vivaldi', [' Vivaldi/']), ('duckduckgo', [' DuckDuckGo/', ' Ddg/']), ('uc browser', [' UCBrowser/']),
        ('mi browser', ['MiuiBrowser/']), ('huawei browser', [' HuaweiBrowser/']), ('silk', [' Silk/']), ('google app', [' GSA/']),
        ('electron', [' Electron/']), ('chrome', [' Chrome/', ' CriOS/', ' Chromium/']), ('android browser', [' Android ']),
        ('safari', [' Safari/']),
    ] -%}
    case
        when {{ user_agent }} is null then null
        when starts_with({{ user_agent }}, 'Opera/') then 'opera'
        when not starts_with({{ user_agent }}, 'Mozilla/')
            then regexp_extract({{ user_agent }}, '^(?:Python/[^ ]+ )?({{ product }}(?: [A-Z][A-Za-z]*){0,3}){{ end }}', 1)
        when {{ user_agent }} like '%compatible; %' and {{ user_agent }} not like '%compatible; MSIE %'
            then regexp_extract({{ user_agent }}, 'compatible; ({{ product }}){{ end }}', 1)
        when not {{ is_bot_agent }} and {{ matches(user_agent, plain) }}
            then case
                when {{ user_agent }} like '% Chrome/%' then 'chrome'
                when {{ user_agent }} like '% Android %' then 'android browser'
                else 'safari'
            end
        when {{ is_bot_agent }} and {{ matches(user_agent, '(?i)' ~ bot_word) }}
            then regexp_extract({{ user_agent }}, '(?i)[a-z0-9._-]*{{ bot_word }}[a-z0-9._-]*')
        {% for name, marks in browsers -%}
        when {% for mark in marks %}{{ user_agent }} like '%{{ mark }}%'{{ ' or ' if not loop.last }}{% endfor %} then '{{ name }}'
        {% endfor -%}
        when {{ user_agent }} like '% Mobile/%'
            then coalesce(
                nullif(regexp_extract({{ user_agent }}, ' Mobile/[A-Za-z0-9]+ (?:Safari )?({{ product }}){{ end }}', 1), ''), 'safari'
            )
        else regexp_extract({{ user_agent }}, '^Mozilla/[^ ]+ (?:[(][^)]*[)] )?({{ product }}){{ end }}', 1)
    end
{%- endmacro %}


{% macro bounded_client(client, user_agent) -%}
{#- A client that has no name, or whose name may be an id, is `other`: a user agent can hold anything, and is not kept. -#}
    case
        when {{ user_agent }} is null then null
        when coalesce({{ client }}, '') = '' or length({{ client }}) > 40 or {{ matches(client, '[0-9](?:[^0-9]*[0-9]){3}') }} then 'other'
        else replace({{ client }}, '%20', ' ')
    end
{%- endmacro %}


{% macro request_name(method, route, status_code) -%}
{#- The event name of a request whose record has none: GET /orders/:id. A failed request is named by its status: GET (404). -#}
    case
        when {{ status_code }} < 400 then {{ method }} || ' ' || {{ route }}
        when {{ route }} is not null then {{ method }} || ' (' || cast({{ status_code }} as varchar) || ')'
    end
{%- endmacro %}


{% macro is_lambda_platform_line(problem, message) -%}
{#- Lines that Lambda itself writes around an invocation: as text, or in its JSON format {"time": ..., "type": "platform.report",
    "record": {...}}. Most lines do not have `form.` in them, which begins with a rare letter and so is quick to search for. -#}
    {%- set text = '^(?:(?:START|END|REPORT) RequestId: |(?:INIT_START|EXTENSION|TELEMETRY)[ \t]|INIT_REPORT(?:[ \t]|$)|XRAY TraceId: )' -%}
    case
        when {{ problem }} = 'not_json' then {{ matches(message, text) }}
        when {{ problem }} is null and {{ message }} like '%form.%'
            then {{ json_path_value(['type'], []) }} like 'platform.%' and {{ matches(message, '"record"[ \t]*:[ \t]*[{]') }}
    end
{%- endmacro %}
