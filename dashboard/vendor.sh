#!/usr/bin/env bash
# Renews dashboard/app/vendor from the npm registry: these versions, with their licences, as ES modules that the browser
# resolves by itself (relative imports instead of package names). Run it after changing a version, and commit the result.
set -euo pipefail
cd "$(dirname "$0")"

LIT=3.3.3
LIT_HTML=3.3.3
LIT_ELEMENT=4.2.2
REACTIVE_ELEMENT=2.1.2
UPLOT=1.6.32

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Unpacks a package at an exact version into $work/NAME.
fetch() {
    local name=$1 package=$2
    mkdir "$work/$name"
    (cd "$work/$name" && tar xzf "$(npm pack --silent "$package")" --strip-components=1)
}

fetch lit "lit@$LIT"
fetch lit-html "lit-html@$LIT_HTML"
fetch lit-element "lit-element@$LIT_ELEMENT"
fetch reactive-element "@lit/reactive-element@$REACTIVE_ELEMENT"
fetch uplot "uplot@$UPLOT"

rm -rf app/vendor
mkdir -p app/vendor/lit/directives app/vendor/uplot

# Copies a module without its source map, with relative imports.
module() {
    sed -e '/^\/\/# sourceMappingURL/d' \
        -e 's#"@lit/reactive-element"#"./reactive-element.js"#g' \
        -e 's#"lit-html"#"./lit-html.js"#g' \
        -e 's#"lit-html/is-server.js"#"./is-server.js"#g' \
        -e 's#"lit-element/lit-element.js"#"./lit-element.js"#g' \
        "$work/$1" > "app/vendor/lit/$2"
}
module lit/index.js index.js
module lit-html/lit-html.js lit-html.js
module lit-html/is-server.js is-server.js
module lit-html/directive.js directive.js
module lit-html/directive-helpers.js directive-helpers.js
module lit-html/directives/repeat.js directives/repeat.js
module lit-element/lit-element.js lit-element.js
module reactive-element/reactive-element.js reactive-element.js
module reactive-element/css-tag.js css-tag.js
cp "$work/lit/LICENSE" app/vendor/lit/LICENSE
# What the dashboard uses of it, declared by hand: the whole declarations span several packages.
cp types/lit.d.ts app/vendor/lit/index.d.ts
cp types/lit-repeat.d.ts app/vendor/lit/directives/repeat.d.ts

# The minified build defines a global name; the module exports it instead.
{ cat "$work/uplot/dist/uPlot.iife.min.js"; printf '\nexport default uPlot;\n'; } > app/vendor/uplot/uplot.js
cp "$work/uplot/dist/uPlot.min.css" app/vendor/uplot/uplot.css
cp "$work/uplot/dist/uPlot.d.ts" app/vendor/uplot/uplot.d.ts
cp "$work/uplot/LICENSE" app/vendor/uplot/LICENSE

cat > app/vendor/VERSIONS <<VERSIONS
lit $LIT
lit-html $LIT_HTML
lit-element $LIT_ELEMENT
@lit/reactive-element $REACTIVE_ELEMENT
uplot $UPLOT
VERSIONS
