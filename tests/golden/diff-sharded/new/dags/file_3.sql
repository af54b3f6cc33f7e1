select 3, 3;
