"""One module a subcommand: parse, build collaborators, call one function. Nothing imports a job."""
