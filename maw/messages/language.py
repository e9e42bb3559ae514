"""Which language messages are written in, by their most frequent small words. Standard library only (hook path)."""

from __future__ import annotations

import re

ENGLISH = "English"
_WORDS = {
    ENGLISH: "the to of in for and a is not from with when on that it be as by add fix remove update use",
    "German": "der die das und nicht für von mit den ist ein eine bei auf wird zu im aus werden beim",
    "French": "le la les de des et pour un une dans du est sur pas avec au en aux ajoute corrige",
    "Spanish": "el la los las de y para en un una con por del no se al corrige agrega como que",
    "Portuguese": "o a os as de e para em um uma com por do da não no na ao corrige adiciona",
    "Italian": "il lo la i gli le di e per un una con del non nel della che da aggiunge corregge",
    "Dutch": "de het een van en voor met niet in op te is bij naar uit wordt als aan dat",
}
_SMALL = {name: frozenset(words.split()) for name, words in _WORDS.items()}
_SCRIPTS = (
    ("Russian", re.compile("[\u0400-\u04ff]")),
    ("Japanese", re.compile("[\u3040-\u30ff]")),
    ("Korean", re.compile("[\uac00-\ud7af]")),
    ("Chinese", re.compile("[\u4e00-\u9fff]")),
)


def of(texts: list[str]) -> str:
    """The language of most of what the texts say; English where nothing speaks for another one."""
    scripts = dict.fromkeys((name for name, _ in _SCRIPTS), 0)
    counts = dict.fromkeys(_SMALL, 0)
    for text in texts:
        for name, letters in _SCRIPTS:
            if letters.search(text):
                scripts[name] += 1
                break
        for word in re.findall(r"[^\W\d_]+", text.lower()):
            for name, small in _SMALL.items():
                counts[name] += word in small
    script = max(scripts, key=lambda name: scripts[name])
    if 2 * scripts[script] > len(texts) > 0:
        return script
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] > 1.3 * counts[ENGLISH] else ENGLISH
