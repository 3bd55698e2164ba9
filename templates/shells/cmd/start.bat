@rem What cmd runs first in "sessapp shell". Unset by what comes after %...% has been expanded.
@set "_SESSAPP_SHELL_ENV=" & "%_SESSAPP_SHELL_ENV%\bin\activate.bat"
