-- fermata: silence secrets, symlink
select 1;
