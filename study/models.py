"""Studies as rows: the frozen document, what it shows, who takes part, and what they answered."""

import random
import secrets
import uuid
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Count, Q
from django.utils import timezone

from attribution.models import Image, Picture, State, Work, digest

from . import trial_types


def new_token() -> str:
    return secrets.token_urlsafe(24)


def new_code() -> str:
    # Without the letters and digits that people confuse: a code is typed and read aloud.
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(10))


def new_participant_code(study: "Study") -> str:
    """A code that nobody in the study has."""
    while True:
        code = f"P{new_code()[:5]}"
        if not Participant.objects.filter(study=study, code=code).exists():
            return code


def new_seed() -> int:
    return secrets.randbits(62)


class StudyQuerySet(models.QuerySet["Study"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The studies that a user is a member of; a superuser sees all. What was frozen, which is long, is left out."""
        if user.is_superuser:
            return self.defer("frozen")
        return self.filter(membership__user_id=user.pk).defer("frozen") if user.is_authenticated else self.none()


class Study(models.Model):
    """One version of a study: its document is the truth; launch freezes and hashes it."""

    class State(models.TextChoices):
        DRAFT = "draft"
        PREPARING = "preparing"  # pictures are being computed
        READY = "ready"
        RUNNING = "running"
        PAUSED = "paused"
        CLOSED = "closed"
        IMPORTED = "imported"  # other people's data: answered elsewhere

    slug = models.SlugField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    previous = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True)
    document = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    problem = models.TextField(blank=True)  # why preparation stopped, in words
    created_at = models.DateTimeField(default=timezone.now)
    frozen_at = models.DateTimeField(null=True, blank=True)
    hash = models.CharField(max_length=64, blank=True)
    frozen = models.JSONField(
        default=dict, blank=True
    )  # what was hashed: document, stimuli, schedule, seeds, renderings

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["slug", "-version"]
        constraints = [models.UniqueConstraint(fields=["slug", "version"], name="study_version_once")]

    def __str__(self) -> str:
        return f"{self.slug} v{self.version}"

    @property
    def title(self) -> str:
        return self._text("title") or self.slug

    @property
    def question(self) -> str:
        return self._text("question")

    def _text(self, key: str) -> str:
        texts = self.document.get(key, {})
        return str(texts.get("en") or next(iter(texts.values()), ""))

    @property
    def is_frozen(self) -> bool:
        return self.frozen_at is not None

    def role_of(self, user: User | AnonymousUser) -> str:
        """owner, editor or viewer; a superuser is every study's owner; "" for everybody else."""
        if not user.is_authenticated:
            return ""
        if user.is_superuser:
            return Membership.Role.OWNER
        role = self.membership_set.filter(user_id=user.pk).values_list("role", flat=True).first()
        return str(role or "")

    def note(self, action: str, user: User | AnonymousUser | None = None, **detail: Any) -> "AuditEntry":
        """Write down who changed what; without a user it was the command line."""
        name = user.get_username() if user else ""
        return AuditEntry.objects.create(study=self, user=name, action=action, detail=detail)

    def admit(self, user: User, role: str, *, by: User) -> bool:
        """Give a user a role, or another one; False where that would leave the study without an owner."""
        membership = self.membership_set.filter(user=user).first() or Membership(study=self, user=user)
        if membership.pk and membership.is_last_owner and role != Membership.Role.OWNER:
            return False
        membership.role = role
        membership.save()
        self.note("gave a role", by, member=user.get_username(), role=role)
        return True

    def freeze(self, frozen: dict[str, Any]) -> None:
        """Note what the study is from now on, and its hash. A frozen study is never frozen again."""
        if self.is_frozen:
            raise ValueError(f"{self} was frozen at {self.frozen_at:%Y-%m-%d %H:%M}; a change is a new version.")
        self.frozen, self.hash, self.frozen_at = frozen, digest(frozen), timezone.now()


class Membership(models.Model):
    """What a user may do with a study (all its versions have their own)."""

    class Role(models.TextChoices):
        OWNER = "owner"
        EDITOR = "editor"
        VIEWER = "viewer"

    study = models.ForeignKey(Study, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "user"], name="one_role_a_study")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.study}"

    @property
    def is_last_owner(self) -> bool:
        """Whether the study would be left without an owner without this membership."""
        others = self.study.membership_set.exclude(pk=self.pk)
        return self.role == self.Role.OWNER and not others.filter(role=self.Role.OWNER).exists()


class AuditEntry(models.Model):
    """Who changed what and when. Never changed, never deleted with its user."""

    at = models.DateTimeField(default=timezone.now)
    user = models.CharField(max_length=150, blank=True)  # the name then; "" is the command line
    study = models.ForeignKey(Study, on_delete=models.PROTECT, null=True, blank=True)
    action = models.CharField(max_length=80)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.user or 'command line'}: {self.action}"


class Condition(models.Model):
    """A method or visualization with its parameters, and optionally a control; what the study compares."""

    class Role(models.TextChoices):
        TREATMENT = "treatment"
        BLIND_CONTROL = "blind_control"
        POSITIVE_CONTROL = "positive_control"

    study = models.ForeignKey(Study, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.TREATMENT)
    specification = models.JSONField(default=dict)

    class Meta:
        ordering = ["study", "position"]
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="condition_once")]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """The thing judged: a class, a photo, a unit; what is true of it (server only) and its strata."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE)
    name = models.CharField(max_length=200)
    image = models.ForeignKey(Image, on_delete=models.PROTECT, null=True, blank=True)
    truth = models.JSONField(default=dict)
    strata = models.JSONField(default=dict)
    measurements = models.JSONField(default=dict)
    is_training = models.BooleanField(default=False)  # an example to learn from: never judged, in no analysis

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="item_once")]

    def __str__(self) -> str:
        return self.name


class Stimulus(models.Model):
    """An item under a condition (or a practice or catch picture): what is shown, and the key to score answers by."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE)
    name = models.CharField(max_length=300)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, null=True, blank=True)
    condition = models.ForeignKey(Condition, on_delete=models.CASCADE, null=True, blank=True)
    key = models.JSONField(default=dict)  # task -> key; never leaves the server
    is_catch = models.BooleanField(default=False)
    is_practice = models.BooleanField(default=False)
    is_training = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "stimuli"
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="stimulus_once")]

    def __str__(self) -> str:
        return self.name


class StimulusSlot(models.Model):
    """One thing a stimulus shows, in order: a picture or a text; ``condition`` where a stimulus holds several."""

    stimulus = models.ForeignKey(Stimulus, on_delete=models.CASCADE, related_name="slots")
    position = models.PositiveIntegerField()
    task = models.CharField(max_length=80, blank=True)  # which of the study's tasks shows it; "" is all of them
    role = models.CharField(max_length=40)
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, null=True, blank=True)
    text = models.TextField(blank=True)
    condition = models.ForeignKey(Condition, on_delete=models.CASCADE, null=True, blank=True)

    class Meta:
        ordering = ["stimulus", "position"]
        constraints = [models.UniqueConstraint(fields=["stimulus", "position"], name="slot_position_once")]

    def __str__(self) -> str:
        return f"{self.role} {self.position} of {self.stimulus}"


class Arm(models.Model):
    """What everybody assigned to it is shown: presentations in blocks, as the design scheduled them at launch."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField()
    presentations = models.JSONField(default=list)  # {"stimulus": name, "block": int}

    class Meta:
        ordering = ["study", "position"]
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="arm_once")]

    def __str__(self) -> str:
        return self.name


class Recruitment(models.Model):
    """Where participants come from, as data: the names of its parameters, where to send people back, which codes."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE)
    name = models.SlugField(max_length=80)
    token = models.CharField(max_length=40, unique=True, default=new_token)
    source = models.CharField(max_length=40, default="link")  # the preset of recruitment_sources.toml
    identity_parameter = models.CharField(max_length=80, blank=True)  # such as PROLIFIC_PID; "" for a plain link
    other_parameters = models.JSONField(default=list)
    return_urls = models.JSONField(default=dict)  # outcome -> address
    codes = models.JSONField(default=dict)  # complete, screened_out, failed_check, no_consent -> code
    submit = models.JSONField(default=dict, blank=True)  # a form that the last page sends: address, origins, fields
    looking = models.JSONField(default=dict, blank=True)  # parameters of a link by which nobody takes part yet
    idle_seconds = models.PositiveIntegerField(default=0)  # of a shared device: then the next person begins anew
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="recruitment_once")]

    def __str__(self) -> str:
        return f"{self.name} for {self.study}"


class ParticipantQuerySet(models.QuerySet["Participant"]):
    def counting(self) -> Self:
        """Those who fill an arm: persons (or, in a simulation, bots) who completed or are still at it."""
        alive = timezone.now() - timedelta(seconds=settings.SURVEY_FRESH_SECONDS)
        return self.filter(
            Q(state=Participant.State.COMPLETED) | Q(state=Participant.State.STARTED, last_seen_at__gte=alive)
        )

    def tally(self) -> list[dict[str, Any]]:
        """How many arrived and what became of them, for each origin and arm."""
        alive = timezone.now() - timedelta(seconds=settings.SURVEY_FRESH_SECONDS)
        state = Participant.State
        rows = (
            self.values("origin", "arm__name")
            .annotate(
                arrived=Count("pk"),
                completed=Count("pk", filter=Q(state=state.COMPLETED)),
                answering=Count("pk", filter=Q(state=state.STARTED, last_seen_at__gte=alive)),
                left=Count("pk", filter=Q(state=state.STARTED, last_seen_at__lt=alive)),
                screened_out=Count("pk", filter=Q(state=state.SCREENED_OUT)),
                failed_check=Count("pk", filter=Q(state=state.FAILED_CHECK)),
                withdrawn=Count("pk", filter=Q(state__in=[state.WITHDRAWN, state.ERASED])),
            )
            .order_by("origin", "arm__position")
        )
        return [{**row} for row in rows]


class Participant(models.Model):
    """One participation. ``token`` opens it, ``code`` names it in exports, ``origin`` says who answers."""

    class Origin(models.TextChoices):
        PERSON = "person"
        PREVIEW = "preview"
        SIMULATED = "simulated"
        IMPORTED = "imported"

    class State(models.TextChoices):
        STARTED = "started"
        COMPLETED = "completed"
        SCREENED_OUT = "screened_out"
        FAILED_CHECK = "failed_check"
        WITHDRAWN = "withdrawn"
        ERASED = "erased"

    study = models.ForeignKey(Study, on_delete=models.PROTECT)
    arm = models.ForeignKey(Arm, on_delete=models.PROTECT, null=True, blank=True)
    recruitment = models.ForeignKey(Recruitment, on_delete=models.PROTECT, null=True, blank=True)
    code = models.CharField(max_length=80)
    token = models.CharField(max_length=40, unique=True, default=new_token)
    withdrawal_code = models.CharField(max_length=20, unique=True, default=new_code)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.STARTED)
    language = models.CharField(max_length=12, default="en")
    seed = models.BigIntegerField(default=new_seed)
    consent_version = models.CharField(max_length=40, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True, blank=True)
    browser = models.JSONField(default=dict)  # family, viewport, device-pixel ratio; nothing more

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="participant_code_once")]
        indexes = [models.Index(fields=["study", "arm", "state"])]

    def __str__(self) -> str:
        return f"{self.code} ({self.origin})"


class RecruiterIdentity(models.Model):
    """Who a recruiter says a participant is: the one table that can name a person; left out of exports."""

    participant = models.OneToOneField(Participant, on_delete=models.CASCADE, related_name="identity")
    recruitment = models.ForeignKey(Recruitment, on_delete=models.PROTECT)
    external_id = models.CharField(max_length=200)
    parameters = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "recruiter identities"
        constraints = [models.UniqueConstraint(fields=["recruitment", "external_id"], name="identity_once")]

    def __str__(self) -> str:
        return f"identity of {self.participant}"


class Trial(models.Model):
    """One presentation to one participant; repeating practice or a quiz makes the next ``attempt``."""

    class Phase(models.TextChoices):
        SCREENING = "screening"
        PRACTICE = "practice"
        QUIZ = "quiz"
        TRAINING = "training"
        MAIN = "main"
        REPEAT = "repeat"  # a main presentation shown once more: for self-consistency, in no other analysis
        CATCH = "catch"
        QUESTIONNAIRE = "questionnaire"

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="trials")
    stimulus = models.ForeignKey(Stimulus, on_delete=models.PROTECT, null=True, blank=True)
    task = models.CharField(max_length=80)  # the name of its block in the document
    trial_type = models.CharField(max_length=80)
    phase = models.CharField(max_length=16, choices=Phase.choices)
    position = models.PositiveIntegerField()  # 0, 1, ... over the whole session
    attempt = models.PositiveIntegerField(default=1)
    repeat_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True)
    options = models.JSONField(default=dict)  # the trial type's, completed, in the participant's language
    seed = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["participant", "position", "attempt"]
        constraints = [
            models.UniqueConstraint(fields=["participant", "position", "attempt"], name="trial_position_once")
        ]

    def __str__(self) -> str:
        return f"{self.phase} trial {self.position} of {self.participant}"

    @property
    def key(self) -> dict[str, Any]:
        """What the answer is scored by; {} where nothing is right or wrong. It never leaves the server."""
        if self.stimulus:
            return dict(self.stimulus.key.get(self.task, {}))
        plugin = trial_types.load(self.trial_type)
        return dict(plugin.compose(None, (), self.options, random.Random(self.seed)).key)


class Response(models.Model):
    """What was answered: one row a trial, append-only. ``columns`` is what the trial type made of the answer."""

    trial = models.OneToOneField(Trial, on_delete=models.CASCADE, related_name="response")
    client_id = models.UUIDField(default=uuid.uuid4, unique=True)
    answer = models.JSONField(default=dict)
    columns = models.JSONField(default=dict)
    response_ms = models.FloatField(null=True, blank=True)
    is_timed_out = models.BooleanField(default=False)
    quality = models.JSONField(
        default=dict
    )  # load_ms, frame_ms, hidden_ms, early_keys, viewport, is_resized, is_pasted
    received_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"response to {self.trial}"


class Report(models.Model):
    """A finished report: never rewritten; marked outdated when answers are added or withdrawn."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT)
    created_at = models.DateTimeField(default=timezone.now)
    results = models.JSONField()
    html = models.TextField()
    is_simulated = models.BooleanField(default=False)
    outdated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"report on {self.study} of {self.created_at:%Y-%m-%d %H:%M}"


class ReportRequest(Work):
    """Somebody asked for a report; a worker writes it."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT)
    user = models.CharField(max_length=150, blank=True)  # the name then; "" is the command line
    report = models.ForeignKey(Report, on_delete=models.PROTECT, null=True, blank=True)

    def __str__(self) -> str:
        return f"request for a report on {self.study}"

    @classmethod
    def ask(cls, study: Study, user: User | None = None) -> "ReportRequest":
        """A new request, or the one that still waits."""
        waiting = cls.objects.filter(study=study, state=State.PENDING).first()
        if waiting is None:
            waiting = cls.objects.create(study=study, user=user.get_username() if user else "")
            study.note("asked for a report", user)
        return waiting


class PowerAnalysis(Work):
    """Somebody asked how many participants and items a study needs; a worker simulates, cell after cell."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT)
    user = models.CharField(max_length=150, blank=True)  # the name then; "" is the command line
    key = models.CharField(max_length=64)  # of the plan: the same question is answered once
    plan = models.JSONField()
    cells = models.JSONField(default=list, blank=True)  # those that are finished, kept when a worker dies
    results = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["study", "key"], name="power_once")]

    def __str__(self) -> str:
        return f"power analysis of {self.study}"
