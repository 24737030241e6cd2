"""What the values of Arrow columns take: whose types are no larger than their bytes, and how many bytes those are."""

from __future__ import annotations

from typing import Any

import pyarrow as arrow

__all__ = ["bytes_in", "is_known", "is_view"]


def bytes_in(column: Any) -> int:
    """Bytes that the values of a column take."""
    if is_view(column.type):  # they count what they share as theirs
        return sum(value.as_buffer().size for value in column if value.is_valid)
    return column.nbytes


def is_view(kind: Any) -> bool:
    """Whether values of this type are views into bytes that others share."""
    return kind in (arrow.string_view(), arrow.binary_view())


def is_known(kind: Any, top: bool = True) -> bool:
    """Whether values of this type are no larger than the bytes that there are of them."""
    types = arrow.types
    if types.is_dictionary(kind):
        return top and is_known(kind.value_type, False)
    if types.is_struct(kind):
        return kind.num_fields > 0 and all(is_known(kind.field(at).type, False) for at in range(kind.num_fields))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return is_known(kind.value_type, False)
    if types.is_null(kind):
        return top
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    return text or is_view(kind) or types.is_primitive(kind) or types.is_decimal(kind)
