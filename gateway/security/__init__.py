"""Proof only: keys, signatures, trees and what they prove. No database, no web framework, no settings, no clock."""
