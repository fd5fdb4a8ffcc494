"""Make what a student wrote safe to show in the instructor's browser (formgrader, nbgrader's feedback).

nbgrader renders Markdown cells with raw HTML allowed and hands the page to MathJax. So written answers are
disarmed first: an invisible character is put where markup would begin, and the text reads as it was typed.
Then the result is rendered with the very renderer that formgrader uses and its tags are held against an
allow-list; whatever does not pass is shown as plain text instead.
"""

from __future__ import annotations

import html
import re
import unicodedata
from html.parser import HTMLParser

MAX_LENGTH = 20_000  # characters of an answer that are shown; no ordinary one comes near
MAX_LINE = 1_000  # characters of a line of code
MAX_FORMATTED = 5_000  # those of Markdown: the time that rendering takes can grow with the square of it
INVISIBLE = "\u200b"  # zero-width space

# Everything that typesetting a formula needs, and nothing that makes links, styles, ids, HTML or new macros.
_MACROS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa varkappa lambda mu nu xi
omicron pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi
Pi Sigma Upsilon Phi Psi Omega aleph beth ell hbar hslash imath jmath nabla partial infty Re Im wp emptyset
varnothing prime backslash surd angle triangle square Box blacksquare bullet star ast cdot cdotp circ times
div pm mp oplus ominus otimes oslash odot dagger ddagger amalg cap cup uplus sqcap sqcup vee wedge land lor
neg lnot setminus wr diamond bigcirc le leq leqslant ge geq geqslant ne neq lt gt ll gg prec succ preceq
succeq sim simeq approx cong equiv doteq propto models perp mid nmid parallel subset supset subseteq
supseteq subsetneq supsetneq in ni notin not asymp bowtie vdash dashv top bot forall exists nexists
therefore because leftarrow rightarrow leftrightarrow Leftarrow Rightarrow Leftrightarrow longleftarrow
longrightarrow Longleftarrow Longrightarrow longleftrightarrow Longleftrightarrow mapsto longmapsto to gets
iff implies impliedby uparrow downarrow updownarrow Uparrow Downarrow hookrightarrow hookleftarrow nearrow
searrow swarrow nwarrow rightharpoonup rightharpoondown rightleftharpoons xrightarrow xleftarrow sum prod
coprod int iint iiint oint bigcap bigcup bigoplus bigotimes bigodot bigvee bigwedge bigsqcup sin cos tan cot
sec csc arcsin arccos arctan sinh cosh tanh coth exp log ln lg lim limsup liminf max min sup inf arg det dim
ker gcd deg hom Pr mod bmod pmod pod operatorname frac dfrac tfrac cfrac sqrt root binom dbinom tbinom
choose over atop stackrel overset underset substack left right middle big Big bigg Bigg bigl bigr Bigl Bigr
biggl biggr Biggl Biggr bigm langle rangle lfloor rfloor lceil rceil lvert rvert lVert rVert vert Vert
lbrace rbrace lbrack rbrack hat widehat bar overline underline vec tilde widetilde dot ddot dddot acute
grave breve check mathring overbrace underbrace overrightarrow overleftarrow boxed cancel mathbb mathbf
mathcal mathfrak mathit mathrm mathscr mathsf mathtt boldsymbol bm bf it rm sf tt cal text textbf textit
textrm textsf texttt mbox hbox displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits ldots
cdots vdots ddots dots dotsb dotsc colon quad qquad begin end hline cr newline tiny small normalsize large
Large
"""
SAFE_MACROS = frozenset(_MACROS.split())

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SAFE_DESTINATION = r"(?:https?://|mailto:)[^\s<>\"'\\`]*"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<(?=[A-Za-z/!?])"), f"<{INVISIBLE}"),  # raw HTML and <autolinks>
    (re.compile(r"&(?=#|[A-Za-z][A-Za-z0-9]*;)"), f"&{INVISIBLE}"),  # entities, which could spell a backslash
    (re.compile(r"!(?=\[)"), f"!{INVISIBLE}"),  # images become links
    (re.compile(rf"\](?=\((?!\s*{_SAFE_DESTINATION}[\s)]))", re.IGNORECASE), f"]{INVISIBLE}"),
    (re.compile(rf"\](?=:(?!\s*{_SAFE_DESTINATION}(?:\s|\Z)))", re.IGNORECASE), f"]{INVISIBLE}"),
    (re.compile(r"(?<=[`~]{3})(?=[ \t]*mermaid)"), INVISIBLE),  # a diagram's text reaches the page unescaped
    # a heading's text becomes its id, which could take the place of one of formgrader's own
    (re.compile(rf"(?<![^\s>])(#{{1,6}}[ \t]*)(?![#\s{INVISIBLE}])"), rf"\1{INVISIBLE}"),
    (re.compile(r"^(?=[ >\t]*(?:=+|-+)[ \t]*$)", re.MULTILINE), INVISIBLE),
)
_MACRO = re.compile(r"\\(?=([A-Za-z@]+))")
_BLANKS = re.compile(r"(?<=\s{200})\s+")


def shortened(text: str, mark: str = "") -> str:
    """`text`, or its beginning and a line about its length, led by `mark`, when it is very long."""
    if len(text) <= MAX_LENGTH:
        return text
    return f"{text[:MAX_LENGTH]}\n\n{mark}cut here: {len(text)} characters were handed in"


def shown_code(source: str) -> str:
    """Code for a page that colours it: whatever is written, the colouring ends soon."""
    lines = visible(_BLANKS.sub("", shortened(source, "# "))).split("\n")
    return "\n".join(line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ... cut here" for line in lines)


def visible(text: str) -> str:
    """`text` without what cannot be seen but changes how it is shown: control and direction characters are
    written as escapes such as ``\\x1b``. Line breaks become ``\\n``."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def sanitise(markdown: str) -> str:
    """Markdown that shows what the student wrote and can do nothing else.

    Formatting, formulas, code, tables and links to http, https and mailto addresses stay. Raw HTML is shown
    as text, images become links, other links and macros that make links, HTML or styles become text. What is
    too long for an answer is shown as plain text.
    """
    if len(markdown) > MAX_FORMATTED:
        return as_plain_text(shortened(markdown))
    text = unicodedata.normalize("NFC", visible(markdown))
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _MACRO.sub(lambda match: "\\" if match[1] in SAFE_MACROS else f"\\{INVISIBLE}", text)
    return text if is_harmless(text) else as_plain_text(text)


def as_plain_text(text: str) -> str:
    """Markdown that shows `text` letter by letter in a box, and nothing of it as markup or mathematics."""
    lines = visible(text).replace(INVISIBLE, "").split("\n")
    escaped = "\n".join(f"{_spell_out(line)}{INVISIBLE}" for line in lines)  # no line is blank inside <pre>
    return f"<pre>{escaped}</pre>"


def _spell_out(text: str) -> str:
    return "".join(
        character if character.isalnum() or character == " " else f"&#{ord(character)};" for character in text
    )


def is_harmless(markdown: str) -> bool:
    """Render as formgrader does, and see whether only tags and attributes of the allow-list come out."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    try:
        rendered = MarkdownWithMath(renderer=IPythonRenderer(escape=False)).render(markdown)
    except Exception:  # a text that the renderer chokes on would take formgrader's page down with it
        return False
    audit = _Audit()
    audit.feed(rendered)
    audit.close()
    return audit.harmless


_TAGS = frozenset(
    {
        "a",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    }
    | {"hr", "input", "li", "ol", "p", "pre", "s", "span", "strong"}
    | {"table", "tbody", "td", "th", "thead", "tr", "ul"}
)
_CLASS = re.compile(
    r"(?:[a-z]{1,3}[0-9]?|highlight|anchor-link|language-[\w+#.-]+|task-list-item(?:-checkbox)?)\Z"
)


class _Audit(HTMLParser):
    """Sets `harmless` to False at the first tag, attribute or value that is not on the list."""

    harmless = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS or not all(_allowed(tag, name, value or "") for name, value in attrs):
            self.harmless = False

    def handle_comment(self, data: str) -> None:
        self.harmless = False

    def handle_decl(self, decl: str) -> None:
        self.harmless = False

    def handle_pi(self, data: str) -> None:
        self.harmless = False

    def unknown_decl(self, data: str) -> None:
        self.harmless = False


def _allowed(tag: str, name: str, value: str) -> bool:
    if name == "href":
        return re.match(r"https?://|mailto:|#%E2%80%8B", html.unescape(value), re.IGNORECASE) is not None
    if name == "id":  # made of a heading's text; the invisible character keeps it apart from ours
        return value.startswith("%E2%80%8B")
    if name == "class":
        return all(_CLASS.match(part) for part in value.split())
    if name == "style":
        return tag in ("td", "th") and re.fullmatch(r"text-align:(left|right|center)", value) is not None
    if tag == "input":
        return (name, value) in (("type", "checkbox"), ("disabled", ""), ("checked", ""))
    return (tag, name) in {("a", "title"), ("ol", "start")}
