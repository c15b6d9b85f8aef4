"""Exceptions in words for people: ours say what is wrong, those of Python and of libraries often do not."""

from tsmon.errors import TsmonError

__all__ = ["describe_error"]


def describe_error(error: BaseException, *, names_file: bool = True) -> str:
    """What has gone wrong, to follow a colon or be in parentheses.

    Of the operating system's errors it is the reason, and the file unless ``names_file`` is false. Of any other,
    which only a fault in a program raises, it is the type and the text, so that the fault can be found.
    """
    if isinstance(error, TsmonError):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        byte = error.object[error.start]
        return f"byte {byte:#04x} at position {error.start + 1:,} is not {error.encoding.upper()}"
    if isinstance(error, UnicodeEncodeError):
        return f"{error.encoding.upper()} has no {error.object[error.start]!a}"
    if isinstance(error, OSError):
        return _describe_os_error(error, names_file=names_file)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"the module {error.name} is not installed"
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _describe_os_error(error: OSError, *, names_file: bool) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return describe_error(reason, names_file=names_file)
    if isinstance(reason, str) and reason.isupper():
        # OpenSSL's, such as CERTIFICATE_VERIFY_FAILED.
        return reason.replace("_", " ").lower()
    if not error.strerror:
        return str(error) or (
            "it took too long" if isinstance(error, TimeoutError) else "the system gave no reason"
        )
    files = [one for one in (error.filename, error.filename2) if names_file and isinstance(one, str | bytes)]
    names = " and ".join(one if isinstance(one, str) else one.decode(errors="backslashreplace") for one in files)
    # Python's ssl adds the line of its source.
    words = error.strerror.partition(" (_ssl")[0]
    return f"{words}: {names}" if names else words
