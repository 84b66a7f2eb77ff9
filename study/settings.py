"""Settings, all from the environment; without any, the embedded default: SQLite, files, one worker, in ``var/``."""

import os
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
VAR_DIR = Path(env.str("GANDER_VAR", default=str(BASE_DIR / "var")))
PRODUCTION = env.bool("GANDER_PRODUCTION", default=False)
SECRET_CHARACTERS = 32
DEBUG = False


def _secret_key() -> str:
    """The environment's secret; in development one that is made once and kept private in ``var/``."""
    if key := str(env.str("SECRET_KEY", default="")):
        if PRODUCTION and len(key) < SECRET_CHARACTERS:
            raise ImproperlyConfigured(
                f"SECRET_KEY has {len(key)} characters; production needs at least {SECRET_CHARACTERS}, drawn at random."
            )
        return key
    if PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY is not set; production needs one, long, random and kept to itself.")
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    path = VAR_DIR / "secret_key"
    temporary = VAR_DIR / f"secret_key.{os.getpid()}"
    try:
        # Linking is atomic: of several processes that start at once one wins, and its text appears whole.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        os.link(temporary, path)
    except FileExistsError:
        pass  # made earlier, or just now by another process
    finally:
        temporary.unlink(missing_ok=True)
    return path.read_text(encoding="utf-8")


def _allowed_hosts() -> list[str]:
    """The names that the site answers to; production says its own, because a wrong one would refuse everybody."""
    hosts = [host for host in env.list("ALLOWED_HOSTS", default=[]) if host]
    if PRODUCTION and (not hosts or "*" in hosts):
        said = "allows every host" if hosts else "is not set"
        raise ImproperlyConfigured(
            f"ALLOWED_HOSTS {said}; production needs the names of its site, such as ALLOWED_HOSTS=gander.example.org."
        )
    return hosts or ["localhost", "127.0.0.1", "[::1]"]


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = _allowed_hosts()
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "attribution",
    "study",
]

MIDDLEWARE = [
    "study.headers.EveryResponse",
    "study.requests.NoNul",
    "study.pictures.PublicPictures",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "study.survey.shortcut.AnswersFirst",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "study.urls"
WSGI_APPLICATION = "study.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
        },
    }
]

DATABASES: dict[str, Any] = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'gander.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # A writer takes its lock at BEGIN, so that two of them wait for each other instead of failing half way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["CONN_MAX_AGE"] = 600
# Counts requests of one participation in each web process; what it forgets at a restart does no harm.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "dashboard:login"
LOGIN_REDIRECT_URL = "dashboard:home"
LOGOUT_REDIRECT_URL = "dashboard:login"
# Locked by user name; no address is stored or logged anywhere.
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_CLIENT_IP_CALLABLE = "study.settings.no_address"
AXES_HANDLER = "study.dashboard.lockout.LockoutHandler"
AXES_LOCKOUT_CALLABLE = "study.dashboard.lockout.locked_out"
AXES_VERBOSE = False


def no_address(request: object) -> None:
    """axes stores what this returns; Gander stores no addresses."""


LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [
    ("survey", BASE_DIR / "study/survey/static"),
    ("dashboard", BASE_DIR / "study/dashboard/static"),
]
STATIC_ROOT = VAR_DIR / "static"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))
MEDIA_URL = "/media/"
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "study.static_files.HashedFiles"},
}
# Beyond one machine's folder, a bucket of any S3-compatible store; its keys are in AWS's own variables.
if bucket := env.str("MEDIA_BUCKET", default=""):
    if find_spec("storages") is None:
        raise ImproperlyConfigured('MEDIA_BUCKET needs the extra “s3”: pip install -c constraints.txt -e ".[s3]".')
    # Stores other than Amazon's own may not know the checksums that boto3 adds unasked.
    os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    os.environ.setdefault("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        # Names are random, so that nothing is overwritten; looking first whether one is taken is a request saved.
        "OPTIONS": {"bucket_name": bucket, "endpoint_url": env.str("MEDIA_ENDPOINT", default=None)},
    }
WHITENOISE_USE_FINDERS = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20
DATA_UPLOAD_MAX_NUMBER_FILES = 400  # the form of images says that it takes 300 at once

# One broker for one machine is a folder; beyond it Redis or RabbitMQ.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://localhost/")
BROKER_DIR = Path(env.str("GANDER_BROKER_DIR", default=str(VAR_DIR / "broker")))
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]

GANDER_DEVICE = env.str("GANDER_DEVICE", default="cpu")
COMPUTE_LEASE_SECONDS = env.float("COMPUTE_LEASE_SECONDS", default=60.0)
COMPUTE_SWEEP_SECONDS = env.float("COMPUTE_SWEEP_SECONDS", default=5.0)
COMPUTE_NUDGE_SECONDS = env.float("COMPUTE_NUDGE_SECONDS", default=60.0)  # a nudge this old is taken for lost
COMPUTE_ATTEMPTS = env.int("COMPUTE_ATTEMPTS", default=3)  # a row that kills its worker this often is failed
SURVEY_FRESH_SECONDS = env.float("SURVEY_FRESH_SECONDS", default=3600.0)  # then a silent participant's place is free

SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # no addresses: see AXES_LOCKOUT_PARAMETERS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "study.survey.participation.cookies_refused"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
