"""SMS by HTTP, in the form that Twilio's Messages made common: `To`, `From`, `Body`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import httpx2

from services.notifications.ports import SENT, DeliveryResult, Outcome, Sms

#: Seconds to wait for each step of the exchange.
TIME_OUT = 5.0
# Below what servers keep idle connections for (5 s and more): a request on a dying one would be ambiguous.
_KEPT_IDLE = 3.0
# How long we believe that the gateway is there, or is not, in seconds: less than any pause of the channel.
_BELIEVED = 0.5
_ANSWERED = (Outcome.SENT, Outcome.REJECTED)
# Answers to the question whether anybody is there that mean: not now.
_AWAY = frozenset({502, 503, 504})
# The gateway took nothing, and would take nothing of others either: our credentials, our address of it, its rate.
_NOT_TAKEN = frozenset({401, 403, 404, 405, 407, 408, 425, 429})


class HttpSmsSender:
    """Hands SMS to one gateway over connections that are kept; follows no redirect and no proxy of the environment.

    An SMS whose answer is lost is lost for good. So when nothing was heard of the gateway for half a second, it is
    first asked something harmless (OPTIONS): an outage costs only those SMS that were on their way when it began.
    """

    def __init__(
        self,
        sms_url: str,
        sender: str,
        *,
        transport: httpx2.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`sms_url`: `https://user:password@host/path`; `sender`: a number or name. Raises ValueError."""
        parts = urlsplit(sms_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("SMS_URL must look like https://user:password@host/path")
        self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._sender = sender
        self._asking = threading.Lock()
        self._monotonic = monotonic
        self._known: DeliveryResult | None = None
        self._known_until = 0.0
        self._client = httpx2.Client(
            auth=(unquote(parts.username), unquote(parts.password or "")) if parts.username else None,
            timeout=TIME_OUT,
            limits=httpx2.Limits(keepalive_expiry=_KEPT_IDLE),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def close(self) -> None:
        """Drop the kept connections."""
        self._client.close()

    def send(self, text: Sms, /) -> DeliveryResult:
        """Hand over one SMS; after an ambiguous end the outcome is UNKNOWN, which nobody sends again."""
        away = self._away()
        if away:
            return away
        delivery = self._hand_over(text)
        self._known_until = self._monotonic() + _BELIEVED if delivery.outcome in _ANSWERED else 0.0
        return delivery

    def _hand_over(self, text: Sms) -> DeliveryResult:
        form = {"To": text.to, "From": self._sender, "Body": text.body}
        try:
            answer = self._client.post(self._url, data=form, headers={"Idempotency-Key": str(text.id)})
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            return _unreachable(type(error).__name__)
        except httpx2.HTTPError as error:
            return DeliveryResult(
                Outcome.UNKNOWN, f"the SMS gateway gave no answer: delivery unknown ({type(error).__name__})"
            )
        return _judged(answer.status_code)

    def _away(self) -> DeliveryResult | None:
        with self._asking:
            if self._monotonic() >= self._known_until:
                self._known = self._ask()
                self._known_until = self._monotonic() + _BELIEVED
            return self._known

    def _ask(self) -> DeliveryResult | None:
        try:
            status = self._client.options(self._url).status_code
        except httpx2.HTTPError as error:
            return _unreachable(type(error).__name__)
        return _unreachable(f"HTTP {status}") if status in _AWAY else None


def _unreachable(why: str) -> DeliveryResult:
    return DeliveryResult(Outcome.UNREACHABLE, f"the SMS gateway cannot be reached ({why})")


def _judged(status: int) -> DeliveryResult:
    if 200 <= status < 300:
        return SENT
    if status >= 500:
        return DeliveryResult(Outcome.UNKNOWN, f"the SMS gateway failed: delivery unknown (HTTP {status})")
    if status < 400 or status in _NOT_TAKEN:
        return DeliveryResult(Outcome.UNREACHABLE, f"the SMS gateway refused us (HTTP {status})")
    return DeliveryResult(Outcome.REJECTED, f"the SMS gateway refused the message (HTTP {status})")
