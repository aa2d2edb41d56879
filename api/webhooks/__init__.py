"""Operations of outgoing webhooks."""
