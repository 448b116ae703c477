-- A row is one product on one day on which it was viewed, added to a cart or bought. Bots are left out.
{{ config(unique_key=['event_date', 'product_id'], **gone_when_null('views')) }}

with counted as (
    select
        event_date,
        product_id,
        count(case when meaning = 'product_view' then 1 end) as views,
        count(case when meaning = 'add_to_cart' then 1 end) as add_to_carts,
        count(case when meaning = 'purchase' then 1 end) as purchases
    from {{ ref('int_events') }}
    where
        not is_bot
        and product_id is not null
        and meaning in ('product_view', 'add_to_cart', 'purchase')
        and {{ in_affected_days() }}
    group by event_date, product_id
),

rated as (
    select
        *,
        cast(purchases as double) / nullif(views, 0) as purchase_rate
    from counted
)

select * from rated
{{ gone_rows() }}
