@rem Activates this environment in the command prompt of Windows:
@rem
@rem     myenv\bin\activate.bat
@rem
@rem While the environment is active:
@rem - SESSAPP_ENV is its directory, and SESSAPP_PROMPT is the text in front of the prompt.
@rem - Its programs come first in PATH.
@rem - NODE_PATH is unset, so that Node.js loads no module from outside.
@rem "deactivate" (deactivate.bat in this folder) restores everything. SESSAPP_DISABLE_PROMPT=1 keeps the prompt unchanged.
@rem
@rem This file contains no path: cmd reports where the file is. The directory can be moved or copied.
@rem It has no labels and no blocks: labels need CRLF, and a parenthesis in PATH would close a block.

@if not exist "%~dp0..\sessapp.json" echo sessapp: This script is not in an environment: its sessapp.json is missing.>&2
@if not exist "%~dp0..\sessapp.json" exit /b 1

@rem Deactivate an environment that is already active. Setting a variable to nothing unsets it.
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
@rem The prompt text is untrusted: $ starts a code in PROMPT, and a quote or an ampersand could end this command.
@rem !...! and %%P are safe: cmd expands them after it has parsed the line.
@setlocal EnableDelayedExpansion
@set "_SESSAPP_PS1=(!SESSAPP_PROMPT:$=$$!) "
@for /f "delims=" %%P in ("!_SESSAPP_PS1!") do @endlocal & set "PROMPT=%%P%PROMPT%"
