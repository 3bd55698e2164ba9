<#
Activates this environment in PowerShell (5.1 or newer):

    . myenv/bin/Activate.ps1

While the environment is active:
- SESSAPP_ENV is its directory, and SESSAPP_PROMPT is the text in front of the prompt.
- Its programs come first in PATH.
- NODE_PATH is removed, so that Node.js loads no module from outside.
`deactivate` restores everything. `sessapp_deactivate` does the same: a Python virtualenv that you activate on top of
this environment replaces `deactivate`, and removes it later. SESSAPP_DISABLE_PROMPT=1 keeps the prompt unchanged.

This file contains no path: PowerShell reports where the file is. The directory can be moved or copied.
All changes are global, so you can call this file or dot-source it. (`pwsh Activate.ps1` has no effect: it activates
the environment in a new PowerShell, which then exits.)
#>

# In a script block, so that its variables do not stay in the shell.
& {
    $directory = [IO.Path]::GetDirectoryName($PSScriptRoot)
    if (-not (Test-Path -LiteralPath (Join-Path $directory 'sessapp.json'))) {
        throw "sessapp: $PSScriptRoot is not in an environment: its sessapp.json is missing."
    }
    $separator = [IO.Path]::PathSeparator
    if ($directory.Contains([string]$separator)) {
        throw "sessapp: $directory cannot be activated: a $separator in its name separates entries in PATH. " +
            'Rename the directory (moving it is safe), or use it without activation: sessapp run'
    }

    # Deactivate an environment that is already active in this shell. SESSAPP_ENV does not show that: a child shell
    # inherits it, but has nothing to deactivate.
    if (Test-Path -LiteralPath function:sessapp_deactivate) { sessapp_deactivate }

    # Read the text for the prompt: one line, without control characters.
    $text = ''
    $promptFile = Join-Path $PSScriptRoot 'prompt.txt'
    if (Test-Path -LiteralPath $promptFile) {
        $text = [string](Get-Content -LiteralPath $promptFile -TotalCount 1 -Encoding UTF8)
    }
    if (-not $text) { $text = [IO.Path]::GetFileName($directory) }
    $text = $text -replace '\p{Cc}', '?'

    # The values that deactivate restores. An unset variable is $null, and setting it to $null removes it.
    $programs = (Join-Path $directory 'bin'), ([IO.Path]::Combine($directory, 'node_modules', '.bin'))
    $global:_SESSAPP_STATE = @{
        Programs   = $programs
        Variables  = @{
            NODE_PATH      = [Environment]::GetEnvironmentVariable('NODE_PATH')
            SESSAPP_ENV    = [Environment]::GetEnvironmentVariable('SESSAPP_ENV')
            SESSAPP_PROMPT = [Environment]::GetEnvironmentVariable('SESSAPP_PROMPT')
        }
        Deactivate = if (Test-Path -LiteralPath function:deactivate) { ${function:deactivate} }
        Prompt     = ${function:prompt}
    }

    function global:sessapp_deactivate {
        $state = $global:_SESSAPP_STATE
        $separator = [IO.Path]::PathSeparator
        # Remove only the first match of each entry: entries that were added since then stay.
        $entries = [Collections.Generic.List[string]]($env:PATH -split $separator)
        foreach ($program in $state.Programs) { [void]$entries.Remove($program) }
        $env:PATH = $entries -join $separator
        foreach ($name in $state.Variables.Keys) {
            [Environment]::SetEnvironmentVariable($name, $state.Variables[$name])
        }
        # Keep a prompt or a deactivate that something else has defined since then.
        if ("${function:prompt}".Contains('_SESSAPP_STATE')) {
            Set-Item -LiteralPath function:global:prompt -Value $state.Prompt
        }
        if ("${function:deactivate}".Contains('sessapp_deactivate')) {
            Remove-Item -LiteralPath function:deactivate
        }
        if ($state.Deactivate -and -not (Test-Path -LiteralPath function:deactivate)) {
            Set-Item -LiteralPath function:global:deactivate -Value $state.Deactivate
        }
        Remove-Item -LiteralPath function:sessapp_deactivate
        Remove-Variable -Name _SESSAPP_STATE -Scope Global
    }

    function global:deactivate { sessapp_deactivate }

    $env:SESSAPP_ENV = $directory
    $env:SESSAPP_PROMPT = $text
    [Environment]::SetEnvironmentVariable('NODE_PATH', $null)
    $env:PATH = ($programs + $env:PATH) -join $separator

    # The text needs no escaping: PowerShell does not evaluate the output of a prompt function.
    if (-not $env:SESSAPP_DISABLE_PROMPT) {
        function global:prompt { '(' + $env:SESSAPP_PROMPT + ') ' + (& $global:_SESSAPP_STATE.Prompt) }
    }
}
