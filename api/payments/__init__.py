"""HTTP operations of payments and refunds, and webhooks of payment gateways."""
