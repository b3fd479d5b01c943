autocmd BufNewFile,BufRead *.seg setfiletype seg
