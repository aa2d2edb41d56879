"""The OpenAPI document, the Swagger UI and the pages of the problem types."""
