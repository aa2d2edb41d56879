"""Pages for buyers and operators: a client of the REST API that knows no service, no database and no Temporal."""
