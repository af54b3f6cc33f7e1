insert into orders select * from staging.orders;
-- the new columns
