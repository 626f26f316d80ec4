# shellcheck shell=bash
# What nobody reads on a device. Licences stay: they go with the programs.
exclude_path 'usr/share/doc/*/[!c]*' 'usr/share/doc/*/c[!o]*' 'usr/share/man/*' 'usr/share/info/*' 'usr/share/groff/*'
exclude_path 'usr/share/locale/*/LC_MESSAGES/*' 'usr/share/help/*' 'usr/share/gtk-doc/*'
exclude_path 'usr/share/lintian/*' 'usr/share/linda/*' 'usr/share/bug/*' 'usr/share/doc-base/*'
