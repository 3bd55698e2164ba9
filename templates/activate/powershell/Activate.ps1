<#
Activates this environment in PowerShell (5.1 or newer):

    . myenv/bin/Activate.ps1

While active: SESSAPP_ENV is the environment's directory, SESSAPP_PROMPT the text in front of the prompt,
the environment's programs come first in PATH, and NODE_PATH is removed so that no module comes from outside.
`deactivate` puts everything back, and so does `sessapp_deactivate`, which is its other name: a Python
virtualenv that is activated on top of this one takes `deactivate` for itself and removes it when it ends.
SESSAPP_DISABLE_PROMPT=1 leaves the prompt alone.

No path is written in here: PowerShell says where this file is, so the directory can be moved or copied.
Everything that stays is global, so it works called as well as dot-sourced. (`pwsh Activate.ps1` starts a
PowerShell, activates there and ends it: that cannot work.)
#>

# In a block of its own, so that no variable stays behind.
& {
    $directory = [IO.Path]::GetDirectoryName($PSScriptRoot)
    if (-not (Test-Path -LiteralPath (Join-Path $directory 'sessapp.json'))) {
        throw "sessapp: there is no environment around $PSScriptRoot`: its sessapp.json is missing."
    }
    $separator = [IO.Path]::PathSeparator
    if ($directory.Contains([string]$separator)) {
        throw "sessapp: $directory cannot be activated: a $separator in its name would split it in PATH. " +
            'Rename the directory (it can be moved as it is), or do without activation: sessapp run'
    }

    # An environment that is active in this very shell ends first. SESSAPP_ENV would not do to tell: a shell
    # inside an activated one inherits it, but has nothing to deactivate.
    if (Test-Path -LiteralPath function:sessapp_deactivate) { sessapp_deactivate }

    # The text for the prompt: one line, without control characters.
    $text = ''
    $promptFile = Join-Path $PSScriptRoot 'prompt.txt'
    if (Test-Path -LiteralPath $promptFile) {
        $text = [string](Get-Content -LiteralPath $promptFile -TotalCount 1 -Encoding UTF8)
    }
    if (-not $text) { $text = [IO.Path]::GetFileName($directory) }
    $text = $text -replace '\p{Cc}', '?'

    # What deactivate puts back. A variable that is not there is $null, and setting it to $null removes it.
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
        # Each entry once, the first that matches: what else was added in the meantime stays.
        $entries = [Collections.Generic.List[string]]($env:PATH -split $separator)
        foreach ($program in $state.Programs) { [void]$entries.Remove($program) }
        $env:PATH = $entries -join $separator
        foreach ($name in $state.Variables.Keys) {
            [Environment]::SetEnvironmentVariable($name, $state.Variables[$name])
        }
        # A prompt or a deactivate that somebody else has put in place by now is left alone.
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

    # PowerShell evaluates nothing in what a prompt function returns.
    if (-not $env:SESSAPP_DISABLE_PROMPT) {
        function global:prompt { '(' + $env:SESSAPP_PROMPT + ') ' + (& $global:_SESSAPP_STATE.Prompt) }
    }
}
