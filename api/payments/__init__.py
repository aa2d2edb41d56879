"""The payment service's HTTP operations, and the webhooks of payment gateways."""
