"""Annotations of the fields of specs. To a checker and an editor they are descriptors, so that what is taken may differ from what is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from typing import Any, Self, overload

    from .array_types import ArrayLike, FloatArray

T = TypeVar("T")


class Vector:
    """The annotation of a `vector` field: any array_like is taken, and held as a read-only float64 array, (n,)."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, spec: None, owner: Any) -> Self: ...
        @overload
        def __get__(self, spec: object, owner: Any) -> FloatArray: ...
        def __get__(self, spec: Any, owner: Any) -> Any: ...
        def __set__(self, spec: object, value: ArrayLike) -> None: ...


class OptionalVector:
    """The annotation of a `vector` field that may be None."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, spec: None, owner: Any) -> Self: ...
        @overload
        def __get__(self, spec: object, owner: Any) -> FloatArray | None: ...
        def __get__(self, spec: Any, owner: Any) -> Any: ...
        def __set__(self, spec: object, value: ArrayLike | None) -> None: ...


class Part(Generic[T]):
    """The annotation of a field that is a spec itself: any T is taken, and what is read has the parameters of its own class."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, spec: None, owner: Any) -> Self: ...
        @overload
        def __get__(self, spec: object, owner: Any) -> Any: ...
        def __get__(self, spec: Any, owner: Any) -> Any: ...
        def __set__(self, spec: object, part: T) -> None: ...
