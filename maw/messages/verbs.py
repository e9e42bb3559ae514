"""The verbs that commit messages begin with, and the forms they are used in. Standard library only (hook path)."""

from __future__ import annotations

IMPERATIVE, PAST, THIRD, GERUND = MOODS = ("imperative", "past", "third person", "gerund")

# As subjects begin, most used first; the others are read, not offered.
_MOST_USED = (
    "add fix remove update use make move rename support allow improve handle refactor change replace document drop "
    "test avoid check clean simplify show bump prevent extract implement introduce enable disable ensure correct "
    "convert return set split skip"
)
_OTHERS = (
    "accept adapt adjust apply bring build cache call clarify close collect combine complete configure copy cover "
    "create cut declare decouple default define delete deprecate detect do download drain emit enforce escape exclude "
    "expand explain export expose extend factor fetch filter find finish follow forbid force format gather generate "
    "get give guard have hide hold ignore import include increase initialize inline insert install join keep let limit "
    "link list load lock log lower map mark match measure mention merge migrate mock name note open optimize pass pick "
    "pin port prefer prepare print provide publish pull push put raise read rebuild record redact reduce refuse "
    "register reject release render reorder report require reset resolve restore restrict reuse revert rewrite run "
    "save say see send separate serve share shorten sort speed start state stop store strip suggest switch sync take "
    "tell tidy translate treat trim try tune turn tweak understand unify upgrade upload validate verify wait "
    "warn wrap write"
)
MOST_USED = tuple(_MOST_USED.split())
VERBS = (*MOST_USED, *_OTHERS.split())

_IRREGULAR = {
    "made": "make", "wrote": "write", "written": "write", "built": "build", "brought": "bring", "did": "do",
    "found": "find", "gave": "give", "got": "get", "had": "have", "has": "have", "does": "do", "held": "hold",
    "kept": "keep", "ran": "run", "said": "say", "saw": "see", "sent": "send", "took": "take", "told": "tell",
    "understood": "understand", "hid": "hide", "chose": "choose",
}  # fmt: skip
_SAME = frozenset({"set", "put", "cut", "let", "read", "split"})  # whose past looks like their base


def _doubled(verb: str) -> bool:
    """Whether its last letter is doubled: drop, dropped."""
    return len(verb) > 2 and verb[-1] not in "aeiouwxy" and verb[-2] in "aeiou" and verb[-3] not in "aeiou"


def _forms(verb: str) -> dict[str, str]:
    if verb.endswith("e"):
        return {verb + "d": PAST, verb + "s": THIRD, verb[:-1] + "ing": GERUND}
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return {verb[:-1] + "ied": PAST, verb[:-1] + "ies": THIRD, verb + "ing": GERUND}
    third = verb + ("es" if verb.endswith(("s", "x", "ch", "sh", "z")) else "s")
    found = {verb + "ed": PAST, third: THIRD, verb + "ing": GERUND}
    if _doubled(verb):
        found |= {verb + verb[-1] + "ed": PAST, verb + verb[-1] + "ing": GERUND}
    return found


_FORMS = {form: mood for verb in VERBS for form, mood in _forms(verb).items()}
_FORMS |= {form: THIRD if form in ("has", "does") else PAST for form in _IRREGULAR}
_FORMS |= dict.fromkeys((verb for verb in VERBS if verb not in _SAME), IMPERATIVE)


def mood(word: str) -> str:
    """The mood of a word; empty for one that is no verb of ours, or looks the same in two of them."""
    return _FORMS.get(word.lower(), "")
