"""The search attributes by which operators find orders; written rarely, for each write costs the server dearly."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey

ORDER_STATUS = SearchAttributeKey.for_keyword("OrderStatus")
NEEDS_ATTENTION = SearchAttributeKey.for_bool("NeedsAttention")
ATTENTION_REASON = SearchAttributeKey.for_keyword("AttentionReason")
BUYER_ID = SearchAttributeKey.for_keyword("BuyerId")
