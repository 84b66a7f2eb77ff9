"""The forms around a study: a document as a file, a protocol, recruitment sources, members."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile

from study import document_files, preparation, recruitment_sources
from study.document_keys import KINDS, OUTCOMES
from study.models import Membership, Recruitment, Study

DOCUMENT_BYTES = 2**20


class StudyForm(forms.Form):
    """A form that makes a study document; what is wrong with the document is said in the form's errors."""

    def document(self) -> dict[str, Any]:
        raise NotImplementedError

    def add(self, user: User) -> Study | None:
        """The study, being prepared; None where the document was refused."""
        try:
            study = preparation.add(self.document(), user)
            if not study.is_frozen:
                preparation.prepare(study)
        except preparation.DocumentError as error:
            self.add_error(None, [str(problem) for problem in error.problems])
            return None
        return study


class DocumentForm(StudyForm):
    """A study document in TOML."""

    file = forms.FileField(label="Study document", help_text="A <code>.toml</code> file, UTF-8, at most 1 MiB.")

    def clean_file(self) -> dict[str, Any]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > DOCUMENT_BYTES:
            raise forms.ValidationError(f"{file.name} is larger than 1 MiB; a study document is a short text.")
        try:
            return document_files.read(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError(
                f"{file.name} is not UTF-8 text; a study document is written in TOML."
            ) from None
        except preparation.DocumentError as error:
            raise forms.ValidationError([str(problem) for problem in error.problems]) from error

    def document(self) -> dict[str, Any]:
        return dict(self.cleaned_data["file"])


class RecruitmentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when it runs
    """One more way for participants to come in."""

    code_complete = forms.CharField(label="Code when complete", max_length=200, required=False)
    code_screened_out = forms.CharField(label="Code when screened out", max_length=200, required=False)
    code_failed_check = forms.CharField(label="Code when a check failed", max_length=200, required=False)
    code_no_consent = forms.CharField(label="Code without consent", max_length=200, required=False)
    way_back = forms.CharField(
        label="Way back when complete",
        max_length=2000,
        required=False,
        help_text="A web address, in which <code>{code}</code> is the code, and any other <code>{name}</code> what the "
        "recruiter’s link came with. Empty is what the source says.",
    )

    class Meta:
        model = Recruitment
        fields = ["name", "source", "identity_parameter"]
        help_texts = {
            "name": "Letters, digits and hyphens, such as <code>lab-kiosk</code>.",
            "identity_parameter": "What the recruiter calls its participants in the link, such as "
            "<code>PROLIFIC_PID</code>; empty is what the source says.",
        }

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.study = study
        presets = [(name, preset["title"]) for name, preset in recruitment_sources.sources().items()]
        self.fields["source"] = forms.ChoiceField(choices=presets, initial="link", required=False)

    def clean(self) -> dict[str, Any]:
        """What the form does not ask is the source's."""
        given = dict(super().clean() or {})
        given["source"] = given.get("source") or "link"
        said = {
            "source": given["source"],
            "identity_parameter": given.get("identity_parameter") or None,
            "codes": {name: given[f"code_{name}"] for name in OUTCOMES if given.get(f"code_{name}")},
            "return_urls": {"complete": given["way_back"]} if given.get("way_back") else {},
        }
        for words in _wrong_addresses(said):
            self.add_error("way_back", words)
        whole = recruitment_sources.filled_in(said)
        for name in ("identity_parameter", "other_parameters", "return_urls", "codes", "submit", "looking"):
            setattr(self.instance, name, whole[name])
        self.instance.idle_seconds = whole["idle_seconds"]
        return {**given, "identity_parameter": whole["identity_parameter"]}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Recruitment.objects.filter(study=self.instance.study, name=name).exists():
            raise forms.ValidationError(f"This study has a source “{name}” already; choose another name.")
        return name


def _wrong_addresses(source: dict[str, Any]) -> list[str]:
    if KINDS["addresses"](source["return_urls"]):
        return ["This should be a web address, such as https://panel.example/done?code={code}."]
    found = [one.partition(": ")[2] for one in recruitment_sources.recruitment_problems({"recruitment": [source]})]
    return [f"This {words}" if words.startswith("has ") else words.removeprefix("= ") for words in found]


class MemberForm(forms.Form):
    """A user who gets a role, or another one."""

    user = forms.CharField(label="User name", max_length=150)
    role = forms.ChoiceField(
        choices=[
            (Membership.Role.VIEWER, "viewer: sees everything, changes nothing"),
            (Membership.Role.EDITOR, "editor: also prepares, previews, pauses, reports"),
            (Membership.Role.OWNER, "owner: also launches, closes, and decides who is a member"),
        ]
    )

    def clean_user(self) -> User:
        name: str = self.cleaned_data["user"]
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise forms.ValidationError(f"There is no user “{name}”.")
        return user
