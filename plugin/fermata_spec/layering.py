"""One YAML document laid over another, key by key, each value keeping its own file and place.

The rule, whatever the document: mappings are merged key by key, at every depth; anything else
(a text, a number, a list, ``null``) takes the place of what was there. Nothing is removed.
"""

from fermata_spec.located import Document, PlacedMark, RawMark, Value


def lay_over(base: Document, over: Document) -> Document:
    """Return ``over`` laid over ``base``; a problem with a value names the file it comes from."""
    laid = Document(base.file, base.problems)
    laid.beneath = (base, over)  # their places are found by identity: they must stay
    laid.start = base.start
    laid.plain_keys = base.plain_keys and over.plain_keys
    laid.complete = base.complete and over.complete
    laid.places = {**base.places, **{held: _placed(over, held) for held in over.places}}
    laid.value = _merged(base.value, over.value, laid)
    return laid


def _placed(document: Document, held: int) -> dict[Value, tuple[RawMark, RawMark]]:
    return {
        key: (_mark(document, at_key), _mark(document, at_value))
        for key, (at_key, at_value) in document.places[held].items()
    }


def _mark(document: Document, mark: RawMark) -> RawMark:
    if isinstance(mark, PlacedMark):
        return mark
    return PlacedMark(mark.line, mark.column, document.file)


def _merged(base: Value, over: Value, laid: Document) -> Value:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    merged = dict(base)
    places = dict(laid.places.get(id(base), {}))
    for key, value in over.items():
        merged[key] = _merged(base[key], value, laid) if key in base else value
        places[key] = laid.places[id(over)][key]
    laid.places[id(merged)] = places
    return merged
