/**
 * What the shells run. Each asks `varve __complete WORDS…` and gets a line `value<TAB>about` for each
 * candidate.
 */

export const shells = ['bash', 'zsh', 'fish', 'pwsh'] as const
export type Shell = (typeof shells)[number]

/** The line by which names of files are asked for. */
export const filesLine = ':files'

/** To be evaluated by the shell at its start. */
export function completionScript(shell: Shell): string {
  return scripts[shell].trimStart()
}

const bash = `
# varve completion for bash: eval "$(varve completion bash)"
_varve() {
  local current="\${COMP_WORDS[COMP_CWORD]}" line value
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == '${filesLine}' ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$current")
    else
      value="\${line%%$'\\t'*}"
      [[ $value == "$current"* ]] && COMPREPLY+=("$value")
    fi
  done < <(varve __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _varve varve
`

const zsh = `
#compdef varve
# varve completion for zsh: eval "$(varve completion zsh)"
_varve() {
  local line
  local -a values
  for line in "\${(@f)$(varve __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == '${filesLine}' ]]; then
      _files
    elif [[ -n $line ]]; then
      values+=("\${line%%$'\\t'*}:\${line#*$'\\t'}")
    fi
  done
  (( \${#values} )) && _describe 'varve' values
}
compdef _varve varve
`

const fish = `
# varve completion for fish: varve completion fish | source
function __varve_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (varve __complete $words[2..-1] 2>/dev/null)
    if test "$line" = '${filesLine}'
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c varve -f -a '(__varve_complete)'
`

const pwsh = `
# varve completion for PowerShell: varve completion pwsh | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName varve -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ($wordToComplete -eq '') { $words += '' }
  varve __complete @words 2>$null | ForEach-Object {
    if ($_ -eq '${filesLine}') {
      Get-ChildItem -Name "$wordToComplete*" | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ProviderItem', $_)
      }
    } else {
      $value, $about = $_ -split "\`t", 2
      if ($value -like "$wordToComplete*") {
        if (-not $about) { $about = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $about)
      }
    }
  }
}
`

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish, pwsh }
