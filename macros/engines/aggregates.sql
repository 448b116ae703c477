{% macro percentile(column, fraction) %}
{#- Exact with linear interpolation on DuckDB, approximate (t-digest) on Athena; nulls do not count. -#}
    {{ return(adapter.dispatch('percentile')(column, fraction)) }}
{% endmacro %}

{% macro default__percentile(column, fraction) -%}
    approx_percentile({{ column }}, {{ fraction }})
{%- endmacro %}

{% macro duckdb__percentile(column, fraction) -%}
    quantile_cont({{ column }}, {{ fraction }})
{%- endmacro %}


{% macro infinity() %}{{ return(adapter.dispatch('infinity')()) }}{% endmacro %}

{% macro default__infinity() %}infinity(){% endmacro %}

{% macro duckdb__infinity() %}cast('infinity' as double){% endmacro %}


{% macro first_by(value, time, tiebreak) %}
{#- The first value that is not null, by time, then by the tiebreak (a bigint). -#}
    {{ return(adapter.dispatch('first_by')(value, time, tiebreak)) }}
{% endmacro %}

{% macro default__first_by(value, time, tiebreak) -%}
    min_by({{ value }}, row({{ time }}, {{ tiebreak }})) filter (where {{ value }} is not null)
{%- endmacro %}

{% macro duckdb__first_by(value, time, tiebreak) -%}
    arg_min({{ value }}, {{ _instant(time, tiebreak) }})
{%- endmacro %}


{% macro last_by(value, time, tiebreak) %}
    {{ return(adapter.dispatch('last_by')(value, time, tiebreak)) }}
{% endmacro %}

{% macro default__last_by(value, time, tiebreak) -%}
    max_by({{ value }}, row({{ time }}, {{ tiebreak }})) filter (where {{ value }} is not null)
{%- endmacro %}

{% macro duckdb__last_by(value, time, tiebreak) -%}
    arg_max({{ value }}, {{ _instant(time, tiebreak) }})
{%- endmacro %}

{% macro _instant(time, tiebreak) -%}
{#- Time and tiebreak (0 to 2^63 - 1) as one number: DuckDB compares it in half the time of a row. -#}
    epoch_us({{ time }}) * 9223372036854775808 + {{ tiebreak }}
{%- endmacro %}
