"""Every template in every language and channel."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from services.notifications.gsm_alphabet import septets
from services.notifications.rendering import FOLDER, Templates
from services.notifications.shop_links import ShopLinks
from services.notifications.template_registry import LANGUAGES, VARIABLES

ORDER = "01934f2e-8a7b-7c3d-9e21-5a6c9f3a21c4"
TOKEN = "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU"
ALL = {
    "firstName": "Анна",
    "orderId": ORDER,
    "totalAmount": "1999.00",
    "currency": "RUB",
    "reason": "out_of_stock",
    "code": "424242",
    "resetToken": TOKEN,
    "client": "Firefox",
    "at": "2026-11-24 10:00 UTC",
}
LINKS = ShopLinks(
    "https://shop.example/orders/{orderId}",
    "https://shop.example/reset?token={token}",
    "https://shop.example/verify?code={code}",
)
RUB, RUB_EN = "1\u00a0999,00\u00a0₽", "RUB\u00a01,999.00"
REASONS = (
    "buyer_request",
    "operator_request",
    "out_of_stock",
    "payment_unavailable",
    "payment_declined",
    "payment_expired",
    "reservation_expired",
    "internal",
)


EMAILS = {
    ("order_created", "ru"): ("Заказ 9F3A-21C4 принят", "Мы уже откладываем для вас товары", f"Сумма: {RUB}"),
    ("order_paid", "ru"): ("Заказ 9F3A-21C4 оплачен", "Мы получили вашу оплату", f"Оплачено: {RUB}"),
    ("order_confirmed", "ru"): ("Заказ 9F3A-21C4 подтверждён", "товары закреплены за вами", f"Оплачено: {RUB}"),
    ("order_cancelled", "ru"): ("Заказ 9F3A-21C4 отменён", "товар закончился", f"Сумма: {RUB}"),
    ("order_refunded", "ru"): ("Возврат по заказу 9F3A-21C4", "отправлены обратно", f"Возвращено: {RUB}"),
    ("order_created", "en"): ("Order 9F3A-21C4 received", "Thank you for your order!", f"Total: {RUB_EN}"),
    ("order_paid", "en"): ("Order 9F3A-21C4 paid", "We have received your payment", f"Paid: {RUB_EN}"),
    ("order_confirmed", "en"): ("Order 9F3A-21C4 confirmed", "the goods are yours", f"Paid: {RUB_EN}"),
    ("order_cancelled", "en"): ("Order 9F3A-21C4 cancelled", "the goods have sold out", f"Total: {RUB_EN}"),
    ("order_refunded", "en"): ("Refund for order 9F3A-21C4", "We have returned your money", f"Refunded: {RUB_EN}"),
    ("verify_email", "ru"): ("Код подтверждения адреса", "где вы указали адрес", "Код: 424242"),
    ("verify_phone", "ru"): ("Код подтверждения номера", "где вы указали номер", "Код: 424242"),
    ("password_reset", "ru"): ("Сброс пароля", "вместе с новым паролем", f"Ключ: {TOKEN}"),
    ("password_changed", "ru"): ("Пароль изменён", "другие сеансы завершены", "сразу сбросьте пароль"),
    ("new_sign_in", "ru"): ("Новый вход", "которых мы раньше не видели", "Откуда: Firefox"),
    ("identifier_changed", "ru"): ("Изменены данные для входа", "заменён другим", "обратитесь в магазин"),
    ("identifier_added", "ru"): ("Изменены данные для входа", "указан новый адрес или номер", "сбросьте пароль"),
    ("identifier_removed", "ru"): ("Изменены данные для входа", "удалён адрес или номер", "обратитесь в магазин"),
    ("session_ended", "ru"): ("Сеанс завершён", "использовали повторно", "Войдите снова"),
    ("operator_granted", "ru"): ("Вы теперь оператор", "все её сеансы завершены", "обратитесь в магазин"),
    ("second_factor_added", "ru"): ("Добавлен второй фактор", "теперь нужен код", "сразу обратитесь в магазин"),
    ("second_factor_removed", "ru"): ("Второй фактор удалён", "все сеансы завершены", "сразу обратитесь в магазин"),
    ("recovery_code_used", "ru"): ("Использован запасной код", "запасных кодов", "сразу обратитесь в магазин"),
    ("account_deleted", "ru"): ("Учётная запись удалена", "товары, суммы и страна", "Это последнее сообщение"),
    ("account_deleted", "en"): (
        "Your account was deleted",
        "goods, amounts and the country",
        "This is the last message",
    ),
    ("verify_email", "en"): ("Your confirmation code", "where you gave your address", "Code: 424242"),
    ("verify_phone", "en"): ("Your confirmation code", "where you gave your number", "Code: 424242"),
    ("password_reset", "en"): ("Reset your password", "together with a new password", f"Key: {TOKEN}"),
    ("password_changed", "en"): ("Your password was changed", "other sessions were ended", "reset it at once"),
    ("new_sign_in", "en"): ("New sign-in", "that we had not seen before", "From: Firefox"),
    ("identifier_changed", "en"): ("How you sign in was changed", "was replaced by another", "please contact the shop"),
    ("identifier_added", "en"): (
        "How you sign in was changed",
        "was set in your account",
        "reset your password at once",
    ),
    ("identifier_removed", "en"): ("How you sign in was changed", "was removed from your", "please contact the shop"),
    ("session_ended", "en"): ("A session was ended", "was used again", "Sign in again"),
    ("operator_granted", "en"): ("You are an operator now", "every session of it was ended", "please contact the shop"),
    ("second_factor_added", "en"): ("A second factor was added", "now needs a code of it", "contact the shop at once"),
    ("second_factor_removed", "en"): ("The second factor was removed", "was ended", "contact the shop at once"),
    ("recovery_code_used", "en"): ("A recovery code was used", "cannot be used again", "contact the shop at once"),
}
TEXTS = {
    ("order_created", "ru"): f"Заказ 9F3A-21C4 на {RUB} принят. Ждём оплату.",
    ("order_paid", "ru"): f"Заказ 9F3A-21C4: получили оплату {RUB}. Спасибо!",
    ("order_confirmed", "ru"): "Заказ 9F3A-21C4 подтверждён, товары ваши. Спасибо за покупку!",
    ("order_cancelled", "ru"): "Заказ 9F3A-21C4 отменён: товар закончился.",
    ("order_refunded", "ru"): f"Заказ 9F3A-21C4: вернули {RUB}. Деньги в пути.",
    ("order_created", "en"): "Order 9F3A-21C4 for RUB 1,999.00 received. We will text you when your payment arrives.",
    ("order_paid", "en"): "Order 9F3A-21C4: we received your payment of RUB 1,999.00. Thank you!",
    ("order_confirmed", "en"): (
        "Order 9F3A-21C4 is confirmed and the goods are yours. Thank you for shopping with us!"
    ),
    ("order_cancelled", "en"): ("Order 9F3A-21C4 is cancelled: out of stock."),
    ("order_refunded", "en"): (
        "Order 9F3A-21C4: we refunded RUB 1,999.00 the way you paid. It usually arrives within a few days."
    ),
    ("verify_email", "ru"): "Код подтверждения: 424242. Никому его не сообщайте.",
    ("verify_phone", "ru"): "Код подтверждения: 424242. Никому его не сообщайте.",
    ("password_reset", "ru"): f"Ключ сброса пароля: {TOKEN}",
    ("password_changed", "ru"): "Пароль изменён. Это не вы? Сразу сбросьте его.",
    ("new_sign_in", "ru"): "Новый вход 2026-11-24 10:00 UTC. Это не вы? Смените пароль.",
    ("identifier_changed", "ru"): "Данные для входа изменены. Это не вы? Напишите в магазин.",
    ("identifier_added", "ru"): "Новый адрес или номер для входа. Это не вы? Сбросьте пароль.",
    ("identifier_removed", "ru"): "Адрес или номер для входа удалён. Это не вы? Напишите в магазин.",
    ("identifier_added", "en"): (
        "A new address or number was set in your account. If it was not you, reset your password at once."
    ),
    ("identifier_removed", "en"): (
        "An address or number was removed from your account. If it was not you, please contact the shop."
    ),
    ("session_ended", "ru"): "Сеанс завершён: его старый ключ использован. Смените пароль.",
    ("operator_granted", "ru"): "Вы теперь оператор. Войдите и добавьте второй фактор.",
    ("second_factor_added", "ru"): "Для входа теперь нужен код. Это не вы? Обратитесь в магазин.",
    ("second_factor_removed", "ru"): "Второй фактор удалён. Это не вы? Обратитесь в магазин.",
    ("recovery_code_used", "ru"): "Использован запасной код. Это не вы? Обратитесь в магазин.",
    ("account_deleted", "ru"): "Учётная запись удалена. Это не вы? Обратитесь в магазин.",
    ("account_deleted", "en"): "Your account was deleted. If it was not you, contact the shop.",
    ("operator_granted", "en"): "Your account is an operator's now. Sign in and add a second factor.",
    ("second_factor_added", "en"): (
        "Signing in to your account now needs a code. If it was not you, please contact the shop at once."
    ),
    ("second_factor_removed", "en"): (
        "The second factor of your account was removed. If it was not you, contact the shop at once."
    ),
    ("recovery_code_used", "en"): (
        "A recovery code of your account was used. If it was not you, contact the shop at once."
    ),
    ("verify_email", "en"): "Your confirmation code: 424242. Do not share it.",
    ("verify_phone", "en"): "Your confirmation code: 424242. Do not share it.",
    ("password_reset", "en"): f"Key to reset your password: {TOKEN} Do not share it.",
    ("password_changed", "en"): "Your password was changed. If it was not you, reset it at once.",
    ("new_sign_in", "en"): (
        "Sign-in from a new device (2026-11-24 10:00 UTC). If it was not you, change your password."
    ),
    ("identifier_changed", "en"): "How you sign in was changed. If it was not you, please contact the shop.",
    ("session_ended", "en"): (
        "A session of your account was ended: an old key of it was used again."
        " If you do not know why, change your password."
    ),
}


def given(name: str, **change: str) -> dict[str, str]:
    return {variable: value for variable, value in {**ALL, **change}.items() if variable in VARIABLES[name]}


@pytest.mark.parametrize(("name", "language"), EMAILS)
def test_an_email_states_event_and_amount(templates: Templates, name: str, language: str) -> None:
    subject, phrase, amount = EMAILS[name, language]
    email = templates.email(name, language, given(name))
    assert email.subject == subject
    greeted = {"ru": ("Здравствуйте, Анна!", "Здравствуйте!"), "en": ("Hello Анна,", "Hello,")}[language]
    # A code may reach a person who is not the account holder, so these messages do not contain the name.
    assert email.text.startswith(f"{greeted[0 if name.startswith('order_') else 1]}\n\n")
    about = ORDER if name.startswith("order_") else ""
    for part in (phrase, amount, about, "-- \nMarketplace Orders"):
        assert part in email.text
    label, _, value = amount.partition(": ")
    for part in (phrase, *(f">{each}</p>" for each in (label, value) if value), f'lang="{language}"', about):
        assert part in email.html
    assert "\n\n\n" not in email.text
    assert not re.search(r"https?:|src=|<link|<script|@import|url\(", email.html)


@pytest.mark.parametrize(("name", "language"), TEXTS)
def test_an_sms_is_one_short_line(templates: Templates, name: str, language: str) -> None:
    assert templates.sms(name, language, given(name)) == TEXTS[name, language]


def test_every_template_exists_in_every_language() -> None:
    assert set(EMAILS) == set(TEXTS) == {(name, language) for name in VARIABLES for language in LANGUAGES}


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("reason", REASONS)
def test_an_sms_fits_one_segment(templates: Templates, name: str, reason: str) -> None:
    variables = {**given(name, totalAmount="9999999.00", reason=reason), "moneyReturned": "yes"}
    russian, english = (templates.sms(name, language, variables) for language in ("ru", "en"))
    assert len(russian) <= 70
    assert len(english) <= 160
    assert septets(english) is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_cancel_reason_has_its_own_text(templates: Templates, language: str) -> None:
    texts = {templates.sms("order_cancelled", language, given("order_cancelled", reason=reason)) for reason in REASONS}
    emails = {
        templates.email("order_cancelled", language, given("order_cancelled", reason=reason)).text for reason in REASONS
    }
    assert len(texts) == len(emails) == len(REASONS)
    assert not [reason for reason in REASONS if "_" in reason and any(reason in text for text in texts | emails)]


def test_an_unknown_cancel_reason_is_shown_as_an_internal_error(templates: Templates) -> None:
    text = templates.sms("order_cancelled", "ru", given("order_cancelled", reason="moon_phase"))
    assert text == "Заказ 9F3A-21C4 отменён: сбой на нашей стороне."


@pytest.mark.parametrize(
    ("amount", "currency", "ru", "en"),
    [
        ("500", "JPY", "500\u00a0¥", "¥500"),
        ("12.50", "USD", "12,50\u00a0$", "$12.50"),
        ("1.500", "IQD", "1,5\u00a0IQD", "IQD\u00a01.5"),
        ("1000000.01", "EUR", "1\u00a0000\u00a0000,01\u00a0€", "€1,000,000.01"),
    ],
)
def test_amounts_follow_language_and_currency(
    templates: Templates, amount: str, currency: str, ru: str, en: str
) -> None:
    for language, line in (("ru", f"Сумма: {ru}"), ("en", f"Total: {en}")):
        email = templates.email(
            "order_created", language, given("order_created", totalAmount=amount, currency=currency)
        )
        assert line in email.text


@pytest.fixture(scope="module")
def linking() -> Templates:
    return Templates("Marketplace Orders", LINKS)


DETAILS = {
    "goods": "2|99950|Чайник\n1|500|Лампа",
    "moreGoods": "480",
    "address": "Тверская ул., 1",
    "moneyReturned": "yes",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", VARIABLES)
def test_the_text_says_everything_that_the_html_says(linking: Templates, name: str, language: str) -> None:
    details = DETAILS if name.startswith("order_") else {}
    email = linking.email(name, language, {**given(name), **details})
    body = email.html.partition("<body")[2].partition(">")[2]
    body, addresses = re.sub(r"<h1.*?</h1>", "", body), re.findall(r' href="([^"]*)"', body)
    words = set(re.findall(r"\w+", re.sub(r"<[^>]*>", " ", body)))
    assert len(words) > 15
    assert words - set(re.findall(r"\w+", email.text)) == set()
    assert [address for address in map(unescape, addresses) if f"{address}\n" not in email.text] == []
    assert bool(addresses) is (name.startswith("order_") or name in ("verify_email", "password_reset"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reset_is_a_link_when_the_shop_has_a_page_for_it(linking: Templates, language: str) -> None:
    email = linking.email("password_reset", language, given("password_reset"))
    assert f"\nhttps://shop.example/reset?token={TOKEN}\n" in email.text
    for form in (email.text, email.html, linking.sms("password_reset", language, given("password_reset"))):
        assert re.findall(r"[A-Za-z0-9_-]{40,}", form) == [TOKEN]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_can_be_entered_by_a_link_and_is_in_the_message_once(linking: Templates, language: str) -> None:
    email = linking.email("verify_email", language, given("verify_email"))
    for form in (email.text, email.html):
        assert re.findall(r"(?<!\d)\d{6}(?!\d)", form) == ["424242"]
    (link,) = re.findall(r"https://\S+", email.text)
    assert parse_qs(urlsplit(link).query) == {"code": ["424242"]}


def test_T107_values_in_links_are_quoted(linking: Templates) -> None:
    email = linking.email("password_reset", "ru", {"resetToken": '"><b> &next=1'})
    assert 'href="https://shop.example/reset?token=%22%3E%3Cb%3E%20%26next%3D1"' in email.html


def test_an_empty_name_leaves_no_gap(templates: Templates) -> None:
    assert templates.email("order_paid", "ru", given("order_paid", firstName="")).text.startswith("Здравствуйте!\n")
    assert templates.email("order_paid", "en", given("order_paid", firstName="")).text.startswith("Hello,\n")


def test_T107_names_are_escaped_in_every_position(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(FOLDER, folder)
    template = folder / "ru" / "order_paid.jinja"
    template.write_text(template.read_text().replace("Оплата получена", "{{ firstName }}"))
    name = "<script>alert(1)</script>{{7*7}}"
    email = Templates("A & B", folder=folder).email("order_paid", "ru", given("order_paid", firstName=name))
    assert ">&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}</h1>" in email.html
    assert ">A &amp; B</p>" in email.html
    assert f"Здравствуйте, {name}!" in email.text
