{% macro xor_digests(one, other) %}{{ return(adapter.dispatch('xor_digests')(one, other)) }}{% endmacro %}

{% macro default__xor_digests(one, other) %}bitwise_xor({{ one }}, {{ other }}){% endmacro %}

{% macro duckdb__xor_digests(one, other) %}xor({{ one }}, {{ other }}){% endmacro %}
