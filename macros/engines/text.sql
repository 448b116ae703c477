{% macro text_digest(text) %}
{#- 63 bits of a text's MD5, as a bigint >= 0: small to store, and the same on both engines. -#}
    {{ return(adapter.dispatch('text_digest')(text)) }}
{% endmacro %}

{% macro default__text_digest(text) -%}
    bitwise_right_shift(from_big_endian_64(reverse(substr(md5(to_utf8({{ text }})), 1, 8))), 1)
{%- endmacro %}

{% macro duckdb__text_digest(text) -%}
    {#- Takes half the time of md5_number_upper, which goes through hexadecimal text. -#}
    cast((md5_number({{ text }}) & 18446744073709551615) >> 1 as bigint)
{%- endmacro %}


{% macro regex_group(n) %}{{ return(adapter.dispatch('regex_group')(n)) }}{% endmacro %}

{#- How a replacement text refers to group n. -#}
{% macro default__regex_group(n) %}{{ return('$' ~ n) }}{% endmacro %}

{% macro duckdb__regex_group(n) %}{{ return('\\' ~ n) }}{% endmacro %}


{% macro matches(text, pattern) %}
{#- Whether a regular expression matches anywhere in the text. -#}
    {{ return(adapter.dispatch('matches')(text, pattern)) }}
{% endmacro %}

{% macro default__matches(text, pattern) -%}
    regexp_like({{ text }}, '{{ _end_of_text(pattern) | replace("'", "''") }}')
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern | replace("'", "''") }}')
{%- endmacro %}


{% macro replace_all(text, pattern, replacement) %}
    {{ return(adapter.dispatch('replace_all')(text, pattern, replacement)) }}
{% endmacro %}

{% macro default__replace_all(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ _end_of_text(pattern) }}', '{{ replacement }}')
{%- endmacro %}

{% macro _end_of_text(pattern) %}
{#- On Athena, $ also matches before a final line feed, but \z does not. On DuckDB they are the same. -#}
    {{ return(modules.re.sub('(?<!\\\\)[$](?![^\\[]*\\])', '\\\\z', pattern)) }}
{% endmacro %}

{% macro duckdb__replace_all(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}


{% macro xor_digests(one, other) %}{{ return(adapter.dispatch('xor_digests')(one, other)) }}{% endmacro %}

{% macro default__xor_digests(one, other) %}bitwise_xor({{ one }}, {{ other }}){% endmacro %}

{% macro duckdb__xor_digests(one, other) %}xor({{ one }}, {{ other }}){% endmacro %}
