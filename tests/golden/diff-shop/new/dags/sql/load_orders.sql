insert into orders select * from staging;
-- twice
