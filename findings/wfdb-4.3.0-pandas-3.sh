#!/bin/sh
# wfdb 4.3.0 cannot be imported with pandas 3, though it does not say so: pip installs both without a conflict.
#
# Seen with wfdb 4.3.0, pandas 3.0.0, numpy 2.4.0, Python 3.11. On import, wfdb sets an index of a table to the values of a
# column of text. In pandas 3 these are a StringArray, which set_index takes for the name of a column:
#   TypeError: The parameter "keys" may be a column key, one-dimensional array, or a list containing only valid column
#   keys and one-dimensional arrays.. Received column of type <class 'pandas.arrays.StringArray'>
# wfdb 4.3.1 with the same pandas is imported.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install --quiet "wfdb==4.3.0" "pandas==3.0.0" "numpy==2.4.0"
said=$("$python" -c "
try:
    import wfdb
except TypeError as error:
    print(error)
else:
    print('imported')
")
echo "wfdb 4.3.0: $said"
case "$said" in
    *StringArray*) ;;
    *) echo "this has changed"; exit 1 ;;
esac
"$python" -m pip install --quiet "wfdb==4.3.1"
"$python" -c "import wfdb; print('wfdb', wfdb.__version__, 'is imported')"
