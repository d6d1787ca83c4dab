# The Windows twin of ./citypulse: the same .NET commands. See: .\citypulse.ps1 help
param([string] $Command = 'help', [Parameter(ValueFromRemainingArguments)] [string[]] $Rest = @())
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
$state = Join-Path $PSScriptRoot '.citypulse'
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'

function Stop-With([string] $Message) { [Console]::Error.WriteLine($Message); exit 1 }

function Assert-Dotnet {
    if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
        Stop-With 'The .NET 10 SDK is not installed. Get it from https://dot.net/download, or with: winget install Microsoft.DotNet.SDK.10'
    }
}

function Invoke-Build([string[]] $What) {
    & dotnet build @What -v q --nologo
    if ($LASTEXITCODE -ne 0) { Stop-With 'The build failed; its messages are above.' }
}

function Invoke-Up {
    $engine = 'standalone'
    $pass = @()
    for ($i = 0; $i -lt $Rest.Count; $i++) {
        switch ($Rest[$i]) {
            '--engine' {
                $engine = $Rest[++$i]
                if ($engine -notin 'aspire', 'standalone') { Stop-With '--engine takes aspire or standalone.' }
            }
            '--yes' { }
            default { $pass += $Rest[$i] }
        }
    }
    $env:UseAspire = if ($engine -eq 'aspire') { 'true' } else { 'false' }
    Invoke-Build @('CityPulse.AppHost', '-c', 'Release')
    if (-not $env:DOTNET_ENVIRONMENT) { $env:DOTNET_ENVIRONMENT = 'Development' }
    Write-Host "Starting on engine $engine"
    if ($engine -eq 'aspire') {
        & dotnet run --project CityPulse.AppHost -c Release --no-build --launch-profile http -- @pass
    }
    else {
        & dotnet exec CityPulse.AppHost/bin/Release/net10.0/CityPulse.AppHost.dll @pass
    }
    exit $LASTEXITCODE
}

function Invoke-Test {
    $results = Join-Path $state 'test-results'
    if (Test-Path $results) { Remove-Item -Recurse -Force $results }
    Invoke-Build @('CityPulse.sln')
    $options = @()
    if ($Rest.Count -gt 0) {
        $filter = $Rest[0]
        if ($filter -notmatch '[=~]') { $filter = "FullyQualifiedName~$filter" }
        $options = @('--filter', $filter)
    }
    & dotnet test CityPulse.Tests --no-build --nologo --results-directory $results --logger 'trx;LogFileName=tests.trx' @options
    $code = $LASTEXITCODE
    $count = @{ Passed = 0; Failed = 0; NotExecuted = 0 }
    $trx = Join-Path $results 'tests.trx'
    if (Test-Path $trx) {
        ([xml](Get-Content -Raw $trx)).TestRun.Results.UnitTestResult | Where-Object { $_ } | ForEach-Object { $count[$_.outcome]++ }
    }
    if ($count.Passed + $count.Failed -eq 0 -and $code -eq 0) { $code = 1 }
    $line = "$($count.Passed) passed, $($count.Failed) failed"
    if ($count.NotExecuted -gt 0) { $line += ", $($count.NotExecuted) skipped" }
    Write-Host $line
    exit $code
}

function Invoke-Bench {
    Invoke-Build @('CityPulse.Bench', '-c', 'Release')
    & dotnet exec CityPulse.Bench/bin/Release/net10.0/CityPulse.Bench.dll @Rest
    exit $LASTEXITCODE
}

function Invoke-Backup {
    Invoke-Build @('CityPulse.Backup', '-c', 'Release')
    & dotnet exec CityPulse.Backup/bin/Release/net10.0/CityPulse.Backup.dll $Command @Rest
    exit $LASTEXITCODE
}

function Invoke-Deploy([string[]] $What) {
    Invoke-Build @('CityPulse.Deploy', '-c', 'Release')
    & dotnet exec CityPulse.Deploy/bin/Release/net10.0/CityPulse.Deploy.dll @What
    exit $LASTEXITCODE
}

function Invoke-Manifests {
    $env:UseAspire = 'false'
    Invoke-Build @('CityPulse.AppHost', '-c', 'Release')
    New-Item -ItemType Directory -Force $state | Out-Null
    & dotnet exec CityPulse.AppHost/bin/Release/net10.0/CityPulse.AppHost.dll --publisher manifest --output-path "$state/manifest.json"
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
    Invoke-Deploy (@('manifests', '--manifest', "$state/manifest.json", '--source', 'deploy') + $Rest)
}

switch ($Command) {
    'up' { Assert-Dotnet; Invoke-Up }
    'test' { Assert-Dotnet; Invoke-Test }
    'bench' { Assert-Dotnet; Invoke-Bench }
    'drill' { Assert-Dotnet; $Rest = @('drills') + $Rest; Invoke-Bench }
    { $_ -in 'backup', 'verify-backup', 'restore' } { Assert-Dotnet; Invoke-Backup }
    'manifests' { Assert-Dotnet; Invoke-Manifests }
    'secrets' { Assert-Dotnet; Invoke-Deploy (@('secrets') + $Rest) }
    'reset' {
        if (Test-Path $state) { Remove-Item -Recurse -Force $state }
        Write-Host "Deleted $state."
    }
    'help' {
        Write-Host @'
CityPulse

  .\citypulse up [--port N] [--engine aspire|standalone] [--no-sample]   builds and runs everything (standalone unless asked)
  .\citypulse test [filter]                                              builds the solution and runs its tests
  .\citypulse bench [name]                                               builds for release and runs the benchmarks
  .\citypulse drill [name]                                               breaks things on purpose and looks what holds
  .\citypulse backup [folder] | verify-backup BACKUP | restore BACKUP       backs up, checks and restores the database
  .\citypulse manifests [--output DIR] [--registry NAME] [--tag TAG]     renders what Kubernetes needs into deploy\base
  .\citypulse secrets FILE                                              writes new random secrets, once
  .\citypulse reset                                                      deletes all local data (.citypulse)

PostgreSQL 15 or newer is needed: winget install PostgreSQL.PostgreSQL.17, or ConnectionStrings__citydb.
'@
    }
    default { Stop-With "'$Command' is no command of CityPulse. See: .\citypulse help" }
}
