@rem "sessapp shell" makes cmd run this first. cmd expands %...% in the whole line before it unsets the variable.
@set "_SESSAPP_SHELL_ENV=" & "%_SESSAPP_SHELL_ENV%\bin\activate.bat"
