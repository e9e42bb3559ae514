"""Secrets of twenty kinds, and what looks like them. Made anew by each run: nothing here looks like a real token."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
import uuid
from collections.abc import Callable
from typing import NamedTuple

LOWER, DIGITS = string.ascii_lowercase, string.digits
ALNUM = string.ascii_letters + DIGITS
URL_SAFE = ALNUM + "_-"
BASE64 = ALNUM + "+/"
HEX = "0123456789abcdef"


class Planted(NamedTuple):
    """Lines of a file, and the values that must not leave."""

    path: str
    lines: list[str]
    values: list[str]


def text(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def _one(path: str, line: str, value: str) -> Planted:
    return Planted(path, [line.replace("@", value, 1) if "@@" not in line else line.replace("@@", value, 1)], [value])


def _password(rng: random.Random) -> str:
    return text(rng, LOWER, 4) + rng.choice("!$%#^") + text(rng, DIGITS, 3) + text(rng, string.ascii_uppercase, 3)


def _token(prefix: str, alphabet: str, length: int, *lines: str) -> Callable[[random.Random], Planted]:
    def make(rng: random.Random) -> Planted:
        return _one("src/settings.py", rng.choice(lines or TEMPLATES), prefix + text(rng, alphabet, length))

    return make


TEMPLATES = (
    'client = Client("@")',
    "  value: @",
    "curl -H 'X-Key: @' https://api.invalid/v1",
    "# was @ before",
    "x=@;",
)


def _pem(rng: random.Random) -> Planted:
    body = base64.b64encode(rng.randbytes(600)).decode()
    rows = [body[at : at + 64] for at in range(0, len(body), 64)]
    kind = rng.choice(["RSA ", "EC ", "OPENSSH ", ""])
    begin, end = (f"-----{word} {kind}PRIVATE KEY-----" for word in ("BEGIN", "END"))
    form = rng.randrange(3)
    if form == 0:
        return Planted("deploy.txt", [begin, *rows, end], rows)
    if form == 1:
        lines = [f'KEY = ("{begin}\\n"', *(f'    "{row}\\n"' for row in rows), f'    "{end}\\n")']
        return Planted("src/key.py", lines, rows)
    joined = "\\n".join([begin, *rows, end])
    return Planted("service.json", [f'  "private_key": "{joined}\\n",'], rows)


def _jwt(rng: random.Random) -> Planted:
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"}), json.dumps({"sub": text(rng, DIGITS, 10), "n": rng.random()})]
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    signature = text(rng, URL_SAFE, 43)
    value = ".".join([*encoded, signature])
    return Planted("tests/http.rest", [f"Cookie: session={value}"], [value, signature])


def _basic_auth(rng: random.Random) -> Planted:
    value = _password(rng).replace("#", "%")
    return Planted("docker-compose.yml", [f"      DATABASE: postgres://app:{value}@db.internal:5432/app"], [value])


def _named_password(rng: random.Random) -> Planted:
    name = rng.choice(["password", "DB_PASSWORD", "smtpPassword", "user.passwd", "pwd", "passphrase"])
    path, line = rng.choice(
        [
            ("src/app.py", f'{name} = "@@"'),
            ("src/app.ts", f"const config = {{ {name}: '@@', retries: 3 }};"),
            ("config.yml", f"{name}: '@@'"),
            (".env", f"{name.upper()}=@@"),
            ("pom.xml", "<password>@@</password>"),
            ("App.config", 'connectionString="Server=db;User Id=app;Password=@@;Encrypt=true"'),
            ("run.sh", "mysql --user app --password @@ app"),
        ]
    )
    return _one(path, line, _password(rng).replace("#", "9").replace("$", "!"))


def _named_key(alphabet: str, length: int) -> Callable[[random.Random], Planted]:
    def make(rng: random.Random) -> Planted:
        name = rng.choice(["api_key", "SECRET_KEY", "clientSecret", "auth-token", "access_token", "webhook_secret"])
        path, line = rng.choice(
            [
                ("src/app.py", f'{name} = "@@"'),
                ("src/app.py", f'{name}: str = "@@"  # production'),
                ("src/App.java", f'headers.put("{name}", "@@");'),
                (".env.production", f"export {name.upper().replace('-', '_')}=@@"),
                ("values.json", f'  "{name}": "@@",'),
                ("deploy.tf", f'  {name} = "@@"'),
                ("main.go", f'{name.replace("-", "")} := "@@"'),
                ("app.properties", f"{name}=@@"),
            ]
        )
        return _one(path, line, text(rng, alphabet, length))

    return make


def _bearer(rng: random.Random) -> Planted:
    return _one(
        "run.sh", "curl -H 'Authorization: Bearer @@' https://api.invalid/", text(rng, URL_SAFE[:-1], 32) + "7a"
    )


def _random_text(rng: random.Random) -> Planted:
    return _one("src/app.py", 'client.login("@@")', text(rng, BASE64, 44) + "7+")


def _aws_secret(rng: random.Random) -> Planted:
    line = rng.choice(["aws_secret_access_key = @@", 'AWS_SECRET_KEY = "@@"', 'aws = {"key": "@@"}'])
    return _one("credentials", line, text(rng, BASE64, 39) + "7")


def _npmrc(rng: random.Random) -> Planted:
    return _one(".npmrc", "//registry.invalid/:_authToken=@@", "npm_" + text(rng, ALNUM, 36))


KINDS: dict[str, Callable[[random.Random], Planted]] = {
    "AWS access key id": _token("AK" + "IA", string.ascii_uppercase + DIGITS, 16),
    "AWS secret key": _aws_secret,
    "GitHub": _token("gh" + "p_", ALNUM, 36),
    "GitHub, fine-grained": _token("github" + "_pat_", ALNUM, 60),
    "GitLab": _token("gl" + "pat-", ALNUM, 20),
    "Slack": _token("xo" + "xb-", DIGITS, 11, 'slack("@-1234567890-abcdefgh1234")'),
    "Stripe": _token("sk_" + "live_", ALNUM, 24),
    "SendGrid": _token("S" + "G.", URL_SAFE, 22, "mail(key='@." + "x9Y" * 14 + "z')"),
    "Google API key": _token("AI" + "za", ALNUM, 35),
    "OpenAI and such": _token("sk-" + "proj-", ALNUM, 48),
    "Hugging Face": _token("hf" + "_", ALNUM, 34),
    "npm": _npmrc,
    "PyPI": _token("pypi-" + "AgEIcHlwaS5vcmc", URL_SAFE, 80),
    "JSON Web Token": _jwt,
    "private key": _pem,
    "password in a URL": _basic_auth,
    "named password": _named_password,
    "named key, hexadecimal": _named_key(HEX, 40),
    "named key, base64": _named_key(ALNUM, 32),
    "authorization header": _bearer,
    "random text": _random_text,
}


def planted(seed: int, each: int = 10) -> list[tuple[str, Planted]]:
    rng = random.Random(seed)
    return [(kind, make(rng)) for kind, make in KINDS.items() for _ in range(each)]


def look_alikes(seed: int) -> list[tuple[str, str]]:
    """200 lines, each with the path of its file, in which nothing is secret."""
    rng = random.Random(seed)
    return [make(rng) for make in _LOOK_ALIKES for _ in range(200 // len(_LOOK_ALIKES))]


def _sha(rng: random.Random, bits: str = "sha256") -> str:
    return hashlib.new(bits, rng.randbytes(8)).hexdigest()


def _b64(rng: random.Random, size: int) -> str:
    return base64.b64encode(rng.randbytes(size)).decode()


def _pick(*makers: Callable[[random.Random], tuple[str, str]]) -> Callable[[random.Random], tuple[str, str]]:
    return lambda rng: rng.choice(makers)(rng)


_LOOK_ALIKES: list[Callable[[random.Random], tuple[str, str]]] = [
    lambda rng: ("src/a.py", f'COMMIT = "{_sha(rng, "sha1")}"'),
    lambda rng: ("install.sh", f"echo '{_sha(rng)}  tool.tar.gz' | sha256sum -c"),
    lambda rng: ("Dockerfile", f"FROM python@sha256:{_sha(rng)}"),
    lambda rng: ("package-lock.json", f'      "integrity": "sha512-{_b64(rng, 64)}",'),
    lambda rng: ("src/deps.ts", f"  integrity: 'sha384-{_b64(rng, 48)}',"),
    lambda rng: ("go.sum", f"example.invalid/mod v1.2.3 h1:{_b64(rng, 32)}"),
    lambda rng: ("poetry.lock", f'    {{file = "a-1.0.whl", hash = "sha256:{_sha(rng)}"}},'),
    lambda rng: ("src/ids.py", f'TENANT = "{uuid.UUID(bytes=rng.randbytes(16))}"'),
    lambda rng: ("migrations/1.sql", f"INSERT INTO users (id) VALUES ('{uuid.UUID(bytes=rng.randbytes(16))}');"),
    lambda rng: ("style.css", f"  background: url(data:image/png;base64,{_b64(rng, 90)});"),
    lambda rng: ("src/icon.ts", f'export const LOGO = "iVBORw0KGgo{_b64(rng, 120)}";'),
    _pick(
        lambda rng: ("tests/test_login.py", 'password = "test-password"'),
        lambda rng: ("tests/test_login.py", 'client.login(username="bob", password="password123")'),
        lambda rng: ("tests/conftest.py", "API_KEY = 'dummy-api-key'"),
        lambda rng: (".env.example", "SECRET_KEY=changeme"),
        lambda rng: (".env.example", "API_TOKEN=your-api-token-here"),
        lambda rng: ("README.md", "export GITHUB_TOKEN=<your token>"),
    ),
    _pick(
        lambda rng: ("src/auth.py", "token = self.get_token(request.headers['Authorization'])"),
        lambda rng: ("src/auth.py", "password = os.environ['DB_PASSWORD']"),
        lambda rng: ("src/auth.py", "api_key = settings.api_key or config.defaults.api_key_v2"),
        lambda rng: ("src/auth.ts", "const secretKey = await loadSecretKey(region, account2);"),
        lambda rng: ("src/auth.go", "token := parser.NextToken2()"),
    ),
    _pick(
        lambda rng: ("deploy.yml", "password: ${{ secrets.DB_PASSWORD }}"),
        lambda rng: ("deploy.yml", "    secretKeyRef: {name: app-secrets-v2, key: db-password}"),
        lambda rng: ("main.tf", "  password = var.db_password"),
        lambda rng: ("docker-compose.yml", "  POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}"),
        lambda rng: ("docker-compose.yml", "  POSTGRES_PASSWORD_FILE: /run/secrets/db_password_1"),
        lambda rng: ("app.yml", "token_url: https://login.invalid/oauth2/v2.0/token"),
    ),
    _pick(
        lambda rng: ("src/form.tsx", '<input type="password" name="new_password" placeholder="At least 8 characters">'),
        lambda rng: ("src/messages.py", 'BAD_PASSWORD = "The password must have 12 characters and a digit"'),
        lambda rng: ("locale/en.json", '  "reset_password": "Reset your password in 24 hours",'),
        lambda rng: ("src/model.py", 'password_hash = Column("password_hash_v2", String(128))'),
        lambda rng: ("src/model.py", 'TOKEN_FIELD = "access_token"'),
        lambda rng: ("src/lexer.py", 'token_type = "STRING_LITERAL_2"'),
    ),
    _pick(
        lambda rng: ("src/net.py", "AuthenticationMiddlewareConfigurationProviderFactory = build_everything_2()"),
        lambda rng: ("src/net.py", "from application.services.authentication_service_v2 import TokenAuthenticator2"),
        lambda rng: ("src/App.java", "import com.example.company.product.module.authentication.internal.KeyStore2;"),
        lambda rng: ("src/paths.py", 'ROOT = "src/components/Dashboard/WidgetContainer2/index4/Main7"'),
    ),
    _pick(
        lambda rng: ("cert.txt", f"{_b64(rng, 48)}"),
        lambda rng: ("src/keys.py", f'PUBLIC_KEY = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE{_b64(rng, 48)}"'),
        lambda rng: ("authorized_keys", f"ssh-ed25519 {'A' * 20}C3NzaC1lZDI1NTE5{_b64(rng, 33)} me@host"),
        lambda rng: ("src/check.py", 'if "-----BEGIN RSA PRIVATE KEY-----" in text:'),
    ),
    lambda rng: ("tests/snapshots/a.snap", f'  "digest": "{_b64(rng, 32)}",'),
    lambda rng: ("src/etag.py", f'expected_etag = "{_sha(rng, "md5")}"'),
    lambda rng: ("data/x.py", f"TABLE = [0x{_sha(rng)[:8]}, 0x{_sha(rng)[:8]}, {rng.getrandbits(60)}]"),
]


def diff_of(path: str, lines: list[str], kind: str = "+") -> bytes:
    """A patch that adds these lines (or removes them, or has them as context) in the middle of a file."""
    old = 0 if kind == "+" else len(lines)
    new = 0 if kind == "-" else len(lines)
    body = "".join(f"{kind}{line}\n" for line in lines)
    return (
        f"diff --git a/{path} b/{path}\nindex {'1' * 40}..{'2' * 40} 100644\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -10,{old + 1} +10,{new + 1} @@ def f():\n {'    return 1'}\n{body}"
    ).encode()
