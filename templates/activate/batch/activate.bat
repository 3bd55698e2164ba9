@rem Activates this environment in the command prompt of Windows:
@rem
@rem     myenv\bin\activate.bat
@rem
@rem While active: SESSAPP_ENV is the environment's directory, SESSAPP_PROMPT the text in front of the prompt,
@rem the environment's programs come first in PATH, and NODE_PATH is unset so that no module comes from outside.
@rem "deactivate" (the file beside this one) puts everything back. SESSAPP_DISABLE_PROMPT=1 leaves the prompt alone.
@rem
@rem No path is written in here: cmd says where this file is, so the directory can be moved or copied.
@rem One command a line, no labels and no blocks: a parenthesis in PATH would end a block, and labels need CRLF.

@if not exist "%~dp0..\sessapp.json" echo sessapp: there is no environment around this script: its sessapp.json is missing.>&2
@if not exist "%~dp0..\sessapp.json" exit /b 1

@rem An environment that is active ends first. Setting a variable to nothing unsets it.
@if defined _SESSAPP_ACTIVE set "PATH=%_SESSAPP_OLD_PATH%"
@if defined _SESSAPP_ACTIVE set "PROMPT=%_SESSAPP_OLD_PROMPT%"
@if defined _SESSAPP_ACTIVE set "NODE_PATH=%_SESSAPP_OLD_NODE_PATH%"
@set "_SESSAPP_ACTIVE="
@set "_SESSAPP_OLD_PATH="
@set "_SESSAPP_OLD_PROMPT="
@set "_SESSAPP_OLD_NODE_PATH="
@set "SESSAPP_ENV="
@set "SESSAPP_PROMPT="
@if "%~1"=="--deactivate" exit /b 0

@for %%D in ("%~dp0..") do @set "SESSAPP_ENV=%%~fD"
@for %%D in ("%~dp0..") do @set "SESSAPP_PROMPT=%%~nxD"
@if exist "%~dp0prompt.txt" set /p SESSAPP_PROMPT=<"%~dp0prompt.txt"

@set "_SESSAPP_ACTIVE=1"
@set "_SESSAPP_OLD_PATH=%PATH%"
@set "_SESSAPP_OLD_PROMPT=%PROMPT%"
@set "_SESSAPP_OLD_NODE_PATH=%NODE_PATH%"
@set "NODE_PATH="
@set "PATH=%SESSAPP_ENV%\bin;%SESSAPP_ENV%\node_modules\.bin;%PATH%"

@if defined SESSAPP_DISABLE_PROMPT exit /b 0
@if not defined PROMPT set "PROMPT=$P$G"
@rem The text is a stranger's: $ would be a code in PROMPT, and quotes or ampersands must not end this command.
@rem Both are harmless in !...! and in %%P, which cmd expands after it has taken the line apart.
@setlocal EnableDelayedExpansion
@set "_SESSAPP_PS1=(!SESSAPP_PROMPT:$=$$!) "
@for /f "delims=" %%P in ("!_SESSAPP_PS1!") do @endlocal & set "PROMPT=%%P%PROMPT%"
