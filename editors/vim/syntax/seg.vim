" Vim syntax file: .seg, the language of the segc compiler.
" Copy or link the folders `syntax` and `ftdetect` into ~/.vim. The words are those of grammar/seg.pest; a test of the
" project compares them.

if exists("b:current_syntax")
  finish
endif

setlocal commentstring=#\ %s comments=:# iskeyword=@,48-57,_,192-255

" Of patterns that match at one place the last one wins.
syntax match segName "\<\h\w*\>"
syntax match segSymbol "<=\|>=\|!=\|[-+*/<>=]\|\.\."

syntax match segConnective "\<\%(when\|where\|if\|then\|else\|from\|by\|with\|on\|dates\|mostly\|column\|distinct\|disjoint\|exhaustive\|to\|sqlite\|postgres\|env\|one\|row\|each\|low\|high\|best\)\>"
syntax match segMeaning "\<\%(all\|baskets\|as_of\|rows\|clusters\|customers\)\>"
syntax match segChoice "\<\%(zscore\|minmax\|robust\|none\|kmeans\|minibatch\|gmm\|ward\|dbscan\|hdbscan\|full\|diagonal\|tied\|spherical\|silhouette\|davies_bouldin\|calinski_harabasz\|elbow\|gap\|prediction_strength\|evidence\|bic\)\>"
syntax match segOperator "\<\%(and\|or\|not\|in\|is\|between\|starts\|ends\|contains\|matches\|duplicate\|per\)\>"
syntax match segConstant "\<\%(true\|false\|missing\|yes\|no\)\>"
syntax match segFunction "\<\%(log1p\|ln\|sqrt\|abs\|round\|floor\|ceil\|clip\|coalesce\|whole_days\|calendar_days\|days\|year\|month\|day\|weekday\|hour\|date_of\|start_of_month\|lower\|upper\|trim\|length\|count\|count_distinct\|sum\|mean\|median\|min\|max\|std\|quantile\|first\|last\|mode\|share\|entropy\|mean_gap\|trend\|score\|winsorize\|clv\|p_alive\|expected_purchases\)\>\ze\s*("

" Words that start a statement; elsewhere they are names.
syntax match segStatement "\%(^\|[{;]\)\@1<=\s*\zs\<\%(segmentation\|include\|title\|description\|currency\|param\|source\|join\|derive\|revenue\|time\|customers\|filter\|as_of\|baskets\|features\|cluster\|label\|test\|sink\|sheet\|delimiter\|encoding\|decimal\|thousands\|header\|dates\|missing\|max_refused\|skip\|footer\|range\|hidden\|fill_merged\|strict\|query\|timezone\|timeout\|pushdown\|drop\|keep\|on\|scale\|method\|k\|seed\|restarts\|covariance\|radius\|neighbours\|smallest\|otherwise\|noise\|action\|color\|given\|expect\|table\|mode\)\>\%(\s*[:=.]\)\@!"

syntax match segType "\%(:\s*\)\@<=\<\%(id\|text\|int\|number\|money\|share\|date\|datetime\|bool\|days\|weeks\|hours\|minutes\|seconds\)\>"

syntax match segNumber "\<\d[0-9_]*\%(\.\d[0-9_]*\)\=\>\%(\s*%\)\="
syntax match segUnit "\%(\<\d[0-9_.]*\s*\)\@<=\%(second\|seconds\|minute\|minutes\|hour\|hours\|day\|days\|week\|weeks\)\>"
syntax match segCurrency "\%(\<\d[0-9_.]*\s*\)\@<=\u\u\u\>"
syntax match segMoment "@\d\{4}-\d\d-\d\d\%([T ]\d\d:\d\d\%(:\d\d\)\=\)\="

syntax match segEscape contained "\\["\\nt]"
syntax region segText start=+"+ skip=+\\.+ end=+"+ oneline contains=segEscape
syntax match segComment "#.*$" contains=@Spell

highlight default link segStatement Statement
highlight default link segConnective Keyword
highlight default link segOperator Operator
highlight default link segSymbol Operator
highlight default link segFunction Function
highlight default link segType Type
highlight default link segConstant Constant
highlight default link segChoice Constant
highlight default link segMeaning Identifier
highlight default link segNumber Number
highlight default link segUnit Type
highlight default link segCurrency Type
highlight default link segMoment Number
highlight default link segText String
highlight default link segEscape SpecialChar
highlight default link segComment Comment

let b:current_syntax = "seg"
