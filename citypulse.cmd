@echo off
powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0citypulse.ps1" %*
