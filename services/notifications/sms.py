"""SMS by HTTP, with the form fields of Twilio's Messages API: `To`, `From`, `Body`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import httpx2

from services.notifications.ports import SENT, DeliveryResult, Outcome, Sms

#: Seconds to wait for each step of the exchange.
TIME_OUT = 5.0
# Seconds. Servers keep idle connections for 5 s or more; a request on one that is being closed would be ambiguous.
_KEEPALIVE = 3.0
# Seconds for which the result of a probe, or of a send, is trusted; shorter than any pause of the channel.
_PROBE_LIFETIME = 0.5
_ANSWERED = (Outcome.SENT, Outcome.REJECTED)
# Statuses of a proxy whose gateway is not available.
_UNAVAILABLE = frozenset({502, 503, 504})
# The gateway accepted nothing and would accept no other SMS: wrong credentials or URL, or its rate limit.
_NOT_ACCEPTED = frozenset({401, 403, 404, 405, 407, 408, 425, 429})


class HttpSmsSender:
    """Sends SMS to one gateway over reused connections; follows no redirect and no proxy of the environment.

    An SMS whose answer is lost is never sent again. So when the last answer of the gateway is older than half a
    second, a probe (OPTIONS) is sent first: an outage affects only the SMS that were in flight when it began.
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
        self._probe_lock = threading.Lock()
        self._monotonic = monotonic
        #: result of the last probe: None when the gateway answered
        self._probed: DeliveryResult | None = None
        self._probed_until = 0.0
        self._client = httpx2.Client(
            auth=(unquote(parts.username), unquote(parts.password or "")) if parts.username else None,
            timeout=TIME_OUT,
            limits=httpx2.Limits(keepalive_expiry=_KEEPALIVE),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, sms: Sms, /) -> DeliveryResult:
        """Send one SMS. When it is not certain whether the gateway got it, the outcome is UNKNOWN: never retried."""
        if unreachable := self._probe():
            return unreachable
        result = self._post(sms)
        self._probed_until = self._monotonic() + _PROBE_LIFETIME if result.outcome in _ANSWERED else 0.0
        return result

    def _post(self, sms: Sms) -> DeliveryResult:
        form = {"To": sms.to, "From": self._sender, "Body": sms.body}
        try:
            answer = self._client.post(self._url, data=form, headers={"Idempotency-Key": str(sms.id)})
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            return _unreachable(type(error).__name__)
        except httpx2.HTTPError as error:
            return DeliveryResult(
                Outcome.UNKNOWN, f"the SMS gateway gave no answer: delivery unknown ({type(error).__name__})"
            )
        return _result(answer.status_code)

    def _probe(self) -> DeliveryResult | None:
        """None when the gateway answers, else the result for every SMS at present."""
        with self._probe_lock:
            if self._monotonic() >= self._probed_until:
                self._probed = self._send_options()
                self._probed_until = self._monotonic() + _PROBE_LIFETIME
            return self._probed

    def _send_options(self) -> DeliveryResult | None:
        try:
            status = self._client.options(self._url).status_code
        except httpx2.HTTPError as error:
            return _unreachable(type(error).__name__)
        return _unreachable(f"HTTP {status}") if status in _UNAVAILABLE else None


def _unreachable(cause: str) -> DeliveryResult:
    return DeliveryResult(Outcome.UNREACHABLE, f"the SMS gateway cannot be reached ({cause})")


def _result(status: int) -> DeliveryResult:
    if 200 <= status < 300:
        return SENT
    if status >= 500:
        return DeliveryResult(Outcome.UNKNOWN, f"the SMS gateway failed: delivery unknown (HTTP {status})")
    if status < 400 or status in _NOT_ACCEPTED:
        return DeliveryResult(Outcome.UNREACHABLE, f"the SMS gateway refused us (HTTP {status})")
    return DeliveryResult(Outcome.REJECTED, f"the SMS gateway refused the message (HTTP {status})")
