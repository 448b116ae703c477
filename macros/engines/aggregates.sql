{% macro percentile(column, fraction) %}
{#- Linear interpolation between two values; nulls are ignored. Exact on DuckDB. Athena uses a quantile digest, which is exact up to
    some thousands of values and within 0.2 % of the rank beyond. -#}
    {{ return(adapter.dispatch('percentile')(column, fraction)) }}
{% endmacro %}

{% macro default__percentile(column, fraction) -%}
    {#- A digest returns one of its values: the k-th of n at the quantile (k - 0.5) / n. This asks for the two values around the
        fraction. -#}
    {%- set digest = 'qdigest_agg(' ~ column ~ ', 1, 0.002)' -%}
    {%- set n = 'nullif(cast(count(' ~ column ~ ') as double), 0)' -%}
    {%- set position = 'double \'' ~ fraction ~ '\' * (' ~ n ~ ' - 1)' -%}
    {%- set below = 'value_at_quantile(' ~ digest ~ ', (floor(' ~ position ~ ') + 0.5) / ' ~ n ~ ')' -%}
    {%- set above = 'value_at_quantile(' ~ digest ~ ', least((floor(' ~ position ~ ') + 1.5) / ' ~ n ~ ', 1.0))' -%}
    {{ below }} + ({{ position }} - floor({{ position }})) * ({{ above }} - {{ below }})
{%- endmacro %}

{% macro duckdb__percentile(column, fraction) -%}
    quantile_cont({{ column }}, {{ fraction }})
{%- endmacro %}


{% macro infinity() %}{{ return(adapter.dispatch('infinity')()) }}{% endmacro %}

{% macro default__infinity() %}infinity(){% endmacro %}

{% macro duckdb__infinity() %}cast('infinity' as double){% endmacro %}


{% macro first_by(value, time, tiebreak) %}
{#- The first non-null value by time, then by the tiebreak (a bigint). -#}
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
{#- Time and tiebreak (0 to 2^63 - 1) as one number, which DuckDB compares in half the time of a row. -#}
    epoch_us({{ time }}) * 9223372036854775808 + {{ tiebreak }}
{%- endmacro %}
