"""Command line options generated from the fields of settings models: names, help texts, bounds, defaults."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Optional, TypeVar

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from typer.models import ArgumentInfo

from jspnet_core.errors import JspnetError

Model = TypeVar("Model", bound=BaseModel)


class OptionError(JspnetError):
    """Options with unaccepted values; the message is one sentence."""


def options_from(
    parameter: str,
    fields: Mapping[str, FieldInfo],
    *,
    names: Mapping[str, str] | None = None,
    unset: bool = False,
    more_help: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a command: an option for each field replaces its parameter `parameter`.

    The command receives there a dict of field names and values.
    names: of options that are not called as their field is. unset: the options have no default, and the dict holds
    those alone that were given. more_help: text behind the description of a field.
    """
    shown = {name: (names or {}).get(name, name) for name in fields}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for given in signature.parameters.values():
            if given.name == parameter:
                parameters += [_option(shown[n], f, unset, (more_help or {}).get(n, "")) for n, f in fields.items()]
            else:
                optional = given.default is not inspect.Parameter.empty and not _is_argument(given)
                parameters.append(given.replace(kind=inspect.Parameter.KEYWORD_ONLY) if optional else given)

        @functools.wraps(command)
        def run(*arguments: Any, **values: Any) -> Any:
            bound = run.__signature__.bind(*arguments, **values)  # type: ignore[attr-defined]
            bound.apply_defaults()
            taken = {name: bound.arguments.pop(option) for name, option in shown.items()}
            if unset:
                taken = {name: value for name, value in taken.items() if value is not None}
            return command(**bound.arguments, **{parameter: taken})

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return run

    return decorate


def _is_argument(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is given by its place on the command line."""
    return any(isinstance(info, ArgumentInfo) for info in getattr(parameter.annotation, "__metadata__", ()))


def _option(name: str, info: FieldInfo, unset: bool, more: str) -> inspect.Parameter:
    """One option as a keyword parameter of the command."""
    bounds = {key: getattr(limit, key) for limit in info.metadata for key in ("ge", "le") if hasattr(limit, key)}
    option = typer.Option(help=f"{info.description}{more}", min=bounds.get("ge"), max=bounds.get("le"))
    kind: Any = Optional[info.annotation] if unset else info.annotation  # noqa: UP045, made at run time
    annotation: Any = Annotated[kind, option]
    default = None if unset else info.default
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def checked(make: Callable[..., Model], values: Mapping[str, Any], what: str = "") -> Model:
    """Create settings from these values with `make`. Raises `OptionError`, one sentence, for values that do not fit.

    what: the option that gave them, where it is not named as the field is.
    """
    try:
        return make(**values)
    except ValidationError as error:
        problem = error.errors()[0]
        where = f"{'.'.join(map(str, problem['loc']))} is {problem['input']!r}: " if problem["loc"] else ""
        raise OptionError(f"{f'{what}: ' if what else ''}{where}{problem['msg']}") from None


def key_values(option: str, settings: Sequence[str], known: Sequence[str]) -> dict[str, Any]:
    """The values of a repeated option KEY=VALUE, each JSON or plain text. Raises `OptionError`."""
    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or key not in known:
            raise OptionError(f"{option} {setting}: must be KEY=VALUE with a KEY of {', '.join(known)}")
        values[key] = json_or_text(text)
    return values


def json_or_text(text: str) -> Any:
    """A JSON value, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
